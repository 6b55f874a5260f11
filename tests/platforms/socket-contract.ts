// The promises of the Socket contract (src/platform.ts), once for all runtimes that lend sockets.
import type { SocketError } from "../../src/platform.ts";
import { elapse, until } from "../support/deadline.ts";
import {
  attempt,
  check,
  closeAll,
  type Kit,
  pair,
  type Pair,
  pattern,
  Peer,
  serve,
  type Side,
  trust,
} from "./contract-kit.ts";

/** One promise, by name. */
export interface SocketPromise {
  readonly name: string;
  readonly needsTls: boolean;
  /** Runtimes that cannot keep it, and why. */
  readonly except: Readonly<Partial<Record<"bun" | "deno", string>>>;
  readonly holds: (kit: Kit) => Promise<void>;
}

const MEBIBYTE = 1024 * 1024;

/** What every socket promises, whoever opened it. */
const OF_EVERY_SOCKET: Readonly<Record<string, (kit: Kit, side: Side) => Promise<void>>> = {
  async "what the peer sends arrives in order, and stays valid after the call"(kit, side) {
    const { peer, told } = await pair(kit, side);
    const sent = pattern(3 * MEBIBYTE + 7);
    for (let at = 0, step = 1; at < sent.length; at += step, step = (step * 7) % 65_521) {
      peer.raw.write(sent.subarray(at, at + step));
    }
    await until(
      () => told.received >= sent.length,
      () => `all bytes, of which ${told.received} came`,
    );
    check(told.bytes().equals(sent), "the bytes that arrived are not those that were sent");
  },

  async "what is written arrives in order, also when the kernel was full"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    const sent = pattern(8 * MEBIBYTE + 3);
    for (let at = 0, step = 1; at < sent.length; at += step, step = (step * 7) % 262_139) {
      const drains = told.drains;
      if (!socket.write(sent.subarray(at, at + step))) await until(() => told.drains > drains, "drained");
    }
    await until(() => peer.received >= sent.length, "all bytes at the peer");
    check(peer.bytes().equals(sent), "the bytes that arrived are not those that were written");
  },

  async "writeText sends each character as one byte, and the bytes behind it"(kit, side) {
    const { socket, peer } = await pair(kit, side);
    const text = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    socket.writeText(text);
    socket.writeText(text, new Uint8Array([0, 255]));
    const long = text.repeat(1024);
    socket.writeText(long, new Uint8Array([1]));
    const expected = Buffer.from(`${text}${text}\0\xff${long}\x01`, "latin1");
    await until(() => peer.received >= expected.length, "the text at the peer");
    check(peer.bytes().equals(expected), "the text did not arrive byte for byte");
  },

  async "write says false when the peer takes no more, and drained comes once it does"(kit, side) {
    const { socket, peer, told, hold, release } = await pair(kit, side);
    hold();
    const piece = pattern(256 * 1024);
    let written = 0;
    let stuck = false;
    while (!stuck && written < 64 * MEBIBYTE) {
      const { drains } = told;
      written += piece.length;
      if (socket.write(piece)) continue;
      // A runtime that does not know what the kernel took may say full too early: then drained comes soon.
      stuck = await until(() => told.drains > drains, "drained", 100).then(
        () => false,
        () => true,
      );
    }
    check(stuck, "64 MiB were written and nobody was told to stop");
    check(socket.waiting > 0, "the peer takes no more but nothing waits");
    const before = told.drains;
    release();
    await until(() => told.drains > before && socket.waiting === 0, "drained");
    await until(() => peer.received === written, "all bytes at the peer");
    check(told.drains === before + 1, "drained came more than once");
  },

  async "something waits only after a write that said false, so drained always follows"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    for (let i = 0; i < 20; i++) {
      const { drains } = told;
      const room = socket.write(pattern(i * 7000));
      check(room === (socket.waiting === 0), `write said ${room} and ${socket.waiting} bytes wait`);
      if (!room) await until(() => told.drains > drains, "drained");
      check(socket.waiting === 0, "bytes wait after drained");
    }
    await until(() => peer.received === 1_330_000, "all bytes at the peer");
  },

  async "pause stops the bytes, resume brings all of them"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    told.onData = () => socket.pause();
    const sent = pattern(24 * MEBIBYTE);
    peer.raw.write(sent);
    await until(() => told.received > 0, "the first bytes");
    const first = told.received;
    // The peer is told by TCP: what the kernels do not take stays with it.
    await until(() => peer.raw.writableLength > 0, "the peer to be held back");
    await elapse(30);
    check(told.received - first <= MEBIBYTE, `${told.received - first} bytes came while the socket was paused`);
    told.onData = undefined;
    socket.resume();
    await until(
      () => told.received >= sent.length,
      () => `all bytes, of which ${told.received} came`,
    );
    check(told.bytes().equals(sent), "bytes were lost or changed by the pause");
  },

  async "a pause can begin and end inside data"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    told.onData = () => {
      socket.pause();
      socket.resume();
    };
    const sent = pattern(MEBIBYTE);
    peer.raw.write(sent);
    await until(() => told.received >= sent.length, "all bytes");
    check(told.bytes().equals(sent), "bytes were lost or changed");
  },

  async "the peer's FIN is told as ended, once, and writing still works"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    peer.raw.end("bye");
    await until(() => told.ends > 0, "ended");
    check(told.bytes().toString() === "bye", "the bytes before FIN are not all there");
    check(told.closings.length === 0, "the socket closed although only the peer has ended");
    socket.writeText("still here");
    await until(() => peer.received >= 10, "what was written after the peer's FIN");
    check(told.ends === 1, "ended came more than once");
  },

  async "end sends FIN behind all that waits, and reading goes on"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    const sent = pattern(4 * MEBIBYTE);
    socket.write(sent);
    socket.end();
    await until(() => peer.ended, "FIN at the peer");
    check(peer.bytes().equals(sent), `the peer saw FIN after ${peer.received} of ${sent.length} bytes`);
    peer.raw.write("answer");
    await until(() => told.received === 6, "the answer of the peer");
  },

  async "closed comes once, without an error, when both sides have ended"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    peer.raw.end("x");
    await until(() => told.ends === 1, "ended");
    socket.writeText("y");
    socket.end();
    await until(() => told.closings.length > 0, "closed");
    check(told.closings[0] === undefined, `closed with ${told.closings[0]?.code}`);
    await until(() => peer.ended, "FIN at the peer");
    await quiet(told.closings.length, () => told.closings.length);
  },

  async "destroy closes at once; the peer sees it, and nothing is told after closed"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    peer.raw.write("x");
    await until(() => told.received === 1, "a byte");
    socket.writeText("y");
    await until(() => peer.received === 1, "a byte at the peer");
    peer.raw.write(pattern(4 * MEBIBYTE));
    socket.destroy();
    socket.destroy();
    const { received } = told;
    await until(() => told.closings.length > 0, "closed");
    check(told.closings[0] === undefined, `closed with ${told.closings[0]?.code}`);
    await until(() => peer.closed || peer.ended, "the peer to see it");
    check(told.received === received, "bytes came after destroy");
    check(socket.waiting === 0, "something still waits");
    await quiet(1, () => told.closings.length);
  },

  async "destroy inside data is no call inside a call"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    told.onData = () => socket.destroy();
    peer.raw.write("x");
    await until(() => told.closings.length > 0, "closed");
  },

  async "what waits is lost by destroy, and the peer cannot take it for the whole"(kit, side) {
    const { socket, peer, told, hold, release } = await pair(kit, side);
    hold();
    const piece = pattern(MEBIBYTE);
    let written = 0;
    while (written < 48 * MEBIBYTE) {
      socket.write(piece);
      written += piece.length;
    }
    await elapse(0);
    socket.destroy();
    await until(() => told.closings.length > 0, "closed");
    release();
    await until(() => peer.closed || peer.ended, "the peer to see it");
    check(peer.received < written, "all bytes arrived although the socket was destroyed");
  },

  async "a reset by the peer is closed with ECONNRESET"(kit, side) {
    const { peer, told, reset } = await pair(kit, side);
    peer.raw.write("x");
    await until(() => told.received === 1, "a byte");
    reset();
    await until(() => told.closings.length > 0, "closed");
    check(told.closings[0]?.code === "ECONNRESET", `closed with ${told.closings[0]?.code ?? "no error"}`);
    await quiet(1, () => told.closings.length);
  },

  async "writing to a socket that is gone does nothing"(kit, side) {
    const { socket, told } = await pair(kit, side);
    socket.destroy();
    await until(() => told.closings.length > 0, "closed");
    check(socket.write(new Uint8Array(1)), "write said full");
    check(socket.writeText("x"), "writeText said full");
    socket.end();
    socket.destroy();
    socket.pause();
    socket.resume();
    await quiet(1, () => told.closings.length);
  },

  async "the peer's address comes without its port"(kit, side) {
    const { socket } = await pair(kit, side);
    check(socket.remoteAddress === "127.0.0.1", `remoteAddress is ${socket.remoteAddress}`);
    check(socket.secure === (side === "tls"), `secure is ${socket.secure}`);
  },
};

/** What connecting promises. */
const OF_CONNECTING: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
  async "a port nobody listens on fails with ECONNREFUSED"(kit) {
    await failsWith(kit, await closedPort(kit), ["ECONNREFUSED"]);
  },

  async "a name that does not exist fails as a DNS failure"(kit) {
    const outcome = await attempt(kit, 80, undefined, "no-such-name.invalid");
    check("error" in outcome, "it connected");
    check(/^(ENOTFOUND|EAI_|DNS_)/.test(outcome.error.code), `it failed with ${outcome.error.code}`);
  },

  async "nothing is told before connect has returned"(kit) {
    const { port } = await serve(() => undefined);
    let returned = false;
    let early = false;
    let done = 0;
    for (const to of [port, await closedPort(kit)]) {
      kit.platform.connect!(
        { host: "127.0.0.1", port: to, tls: undefined },
        {
          connected(socket) {
            early ||= !returned;
            done += 1;
            socket.destroy();
          },
          failed() {
            early ||= !returned;
            done += 1;
          },
        },
      );
    }
    returned = true;
    await until(() => done === 2, "both outcomes");
    check(!early, "the outcome was told before connect had returned");
  },

  async "an attempt that is aborted is never heard of again"(kit) {
    const { port } = await serve(() => undefined);
    const told: string[] = [];
    const handler = { connected: () => void told.push("connected"), failed: () => void told.push("failed") };
    const first = kit.platform.connect!({ host: "127.0.0.1", port, tls: undefined }, handler);
    first.abort();
    first.abort();
    kit.platform.connect!({ host: "127.0.0.1", port: await closedPort(kit), tls: undefined }, handler).abort();
    kit.platform.connect!({ host: "no-such-name.invalid", port: 1, tls: undefined }, handler).abort();
    const later = await attempt(kit, port);
    check("socket" in later, "a later attempt failed");
    await quiet(0, () => told.length);
  },
};

/** What listening promises. */
const OF_LISTENING: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
  async "a port in use throws EADDRINUSE"(kit) {
    const { port } = await serve(() => undefined);
    let thrown: SocketError | undefined;
    try {
      kit.platform.listen!({ host: "127.0.0.1", port, accept: (socket) => socket.destroy() }).stop();
    } catch (error) {
      thrown = error as SocketError;
    }
    check(thrown?.code === "EADDRINUSE", `it threw ${thrown?.code ?? "nothing"}`);
  },

  async "stop accepts no more and leaves open connections alone"(kit) {
    const { platform } = kit;
    const sockets: Pair["socket"][] = [];
    const listening = platform.listen!({ host: "127.0.0.1", port: 0, accept: (socket) => void sockets.push(socket) });
    check(listening.port > 0, "no port was told");
    const first = await attempt(kit, listening.port);
    check("socket" in first, "the first connection failed");
    const accepted = await until(() => sockets[0], "the connection to be accepted");
    listening.stop();
    await failsWith(kit, listening.port, ["ECONNREFUSED", "ECONNRESET"]);
    accepted.writeText("still here");
    await until(() => first.told.received === 10, "bytes over the open connection");
    accepted.destroy();
  },
};

/** What TLS promises. */
const OF_TLS: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
  async "the name asked for is the one given, not the host"(kit) {
    let asked: unknown;
    const { port } = await serve((raw) => void (asked = (raw as { servername?: unknown }).servername), kit.pems!.named);
    const outcome = await attempt(kit, port, trust(kit.pems!));
    check("socket" in outcome, "it did not connect");
    await until(() => asked, "the handshake at the peer");
    check(asked === "up.internal.test", `the peer was asked for ${String(asked)}`);
  },

  async "an address is looked for in the certificate but not sent as a name"(kit) {
    let asked: unknown = "nothing";
    const { port } = await serve((raw) => void (asked = (raw as { servername?: unknown }).servername), kit.pems!.local);
    const outcome = await attempt(kit, port, trust(kit.pems!, { serverName: "127.0.0.1" }));
    check("socket" in outcome, "it did not connect");
    await until(() => asked !== "nothing", "the handshake at the peer");
    check(!asked, `the peer was asked for ${String(asked)}`);
    const wrong = await attempt(kit, port, trust(kit.pems!, { serverName: "127.0.0.2" }));
    check("error" in wrong, "it connected to an address that is not in the certificate");
  },

  async "a certificate for another name is refused"(kit) {
    const { port } = await serve(() => undefined, kit.pems!.named);
    await failsWith(kit, port, ["ERR_TLS_CERT_ALTNAME_INVALID"], { serverName: "other.internal.test" });
  },

  async "an authority that is not trusted is refused, and `ca` replaces the built-in ones"(kit) {
    const { port } = await serve(() => undefined, kit.pems!.named);
    const codes = ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "SELF_SIGNED_CERT_IN_CHAIN"];
    await failsWith(kit, port, codes, { ca: kit.pems!.otherCa.cert });
    await failsWith(kit, port, codes, { ca: undefined });
  },

  async "an expired certificate is refused"(kit) {
    const { port } = await serve(() => undefined, kit.pems!.expired);
    await failsWith(kit, port, ["CERT_HAS_EXPIRED"], {});
  },

  async "`verify: false` takes any certificate"(kit) {
    const { port } = await serve(() => undefined, kit.pems!.expired);
    const outcome = await attempt(kit, port, trust(kit.pems!, { serverName: "x.test", ca: undefined, verify: false }));
    check("socket" in outcome, `it failed with ${"error" in outcome ? outcome.error.code : ""}`);
  },

  async "a client certificate is shown"(kit) {
    const { named, ca, client } = kit.pems!;
    let authorized: unknown;
    const demand = { ...named, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
    const { port } = await serve((raw) => void (authorized = (raw as { authorized?: unknown }).authorized), demand);
    const outcome = await attempt(kit, port, trust(kit.pems!, { cert: client.cert, key: client.key }));
    check("socket" in outcome, "it did not connect");
    await until(() => authorized, "the peer to accept the certificate");
  },

  async "without the client certificate that the peer demands the connection fails or closes with an error"(kit) {
    const { named, ca } = kit.pems!;
    const demand = { ...named, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
    const { port } = await serve(() => undefined, demand);
    const outcome = await attempt(kit, port, trust(kit.pems!));
    if ("error" in outcome) return;
    // TLS 1.3: the client is done before the server has looked at its certificate.
    await until(() => outcome.told.closings.length > 0 || outcome.told.ends > 0, "the connection to close");
  },

  async "a peer that speaks no TLS fails"(kit) {
    const { port } = await serve((raw) => raw.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const outcome = await attempt(kit, port, trust(kit.pems!));
    check("error" in outcome, "it connected");
  },

  async "a peer that closes during the handshake fails"(kit) {
    const { port } = await serve((raw) => raw.destroy());
    const outcome = await attempt(kit, port, trust(kit.pems!));
    check("error" in outcome, "it connected");
  },

  async "an attempt can be aborted during the handshake"(kit) {
    let peer: Peer | undefined;
    const { port } = await serve((raw) => void (peer = new Peer(raw)));
    const told: string[] = [];
    const attempt = kit.platform.connect!(
      { host: "127.0.0.1", port, tls: trust(kit.pems!) },
      { connected: () => void told.push("connected"), failed: () => void told.push("failed") },
    );
    const silent = await until(() => peer, "the peer to be connected");
    await until(() => silent.received > 0, "the client's hello");
    attempt.abort();
    await until(() => silent.closed || silent.ended, "the peer to see the end");
    await quiet(0, () => told.length);
  },
};

/** What a runtime cannot do, by the promise's full name. */
const EXCEPT: Readonly<Record<string, SocketPromise["except"]>> = {
  "tls: a reset by the peer is closed with ECONNRESET": {
    deno: "its node:tls tells a reset as the end of the stream while nothing is written",
  },
};

/** All promises, in order. */
export const SOCKET_PROMISES: readonly SocketPromise[] = [
  ...(["accepted", "connected", "tls"] as const).flatMap((side) =>
    Object.entries(OF_EVERY_SOCKET).map(([name, holds]) =>
      promise(`${side}: ${name}`, side === "tls", (kit) => holds(kit, side)),
    ),
  ),
  ...Object.entries(OF_CONNECTING).map(([name, holds]) => promise(`connect: ${name}`, false, holds)),
  ...Object.entries(OF_LISTENING).map(([name, holds]) => promise(`listen: ${name}`, false, holds)),
  ...Object.entries(OF_TLS).map(([name, holds]) => promise(`TLS: ${name}`, true, holds)),
];

function promise(name: string, needsTls: boolean, holds: (kit: Kit) => Promise<void>): SocketPromise {
  return {
    name,
    needsTls,
    except: EXCEPT[name] ?? {},
    async holds(kit) {
      let wrong: string[] = [];
      try {
        await holds(kit);
      } finally {
        wrong = closeAll();
      }
      check(wrong.length === 0, `told at a wrong moment: ${wrong.join("; ")}`);
    },
  };
}

async function closedPort(kit: Kit): Promise<number> {
  const listening = kit.platform.listen!({ host: "127.0.0.1", port: 0, accept: (socket) => socket.destroy() });
  listening.stop();
  await elapse(0);
  return listening.port;
}

async function failsWith(
  kit: Kit,
  port: number,
  codes: readonly string[],
  secure?: Partial<import("../../src/platform.ts").ClientTls>,
): Promise<void> {
  const outcome = await attempt(kit, port, secure === undefined ? undefined : trust(kit.pems!, secure));
  check("error" in outcome, "it connected");
  check(codes.includes(outcome.error.code), `it failed with ${outcome.error.code}: ${outcome.error.message}`);
}

/** Nothing more happens for a while. */
async function quiet(expected: number, count: () => number): Promise<void> {
  await elapse(20);
  check(count() === expected, `something was told ${count()} times instead of ${expected}`);
}
