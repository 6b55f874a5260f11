// What connecting, listening and TLS promise.
import { existsSync, lstatSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClientTls, SocketError } from "../../src/platform.ts";
import { elapse, until } from "../support/deadline.ts";
import { attempt, check, type Kit, Listener, Peer, quiet, serve, trust, type Pair } from "./contract-kit.ts";

/** What connecting promises. */
export const OF_CONNECTING: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
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
    void first.abort();
    void first.abort();
    void kit.platform.connect!({ host: "127.0.0.1", port: await closedPort(kit), tls: undefined }, handler).abort();
    void kit.platform.connect!({ host: "no-such-name.invalid", port: 1, tls: undefined }, handler).abort();
    const later = await attempt(kit, port);
    check("socket" in later, "a later attempt failed");
    await quiet(0, () => told.length);
  },
};

/** What listening promises. */
export const OF_LISTENING: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
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

  async "a Unix socket is its owner's alone, is had once, and is gone when it stops"(kit) {
    const folder = mkdtempSync(join(tmpdir(), "sluice-listen-"));
    const path = join(folder, "a.sock");
    const at = { host: "", port: 0, path };
    try {
      const told = Promise.withResolvers<string>();
      const listening = kit.platform.listen!({
        ...at,
        accept(socket) {
          const handler = new Listener();
          handler.onData = () => void told.resolve(`from "${socket.remoteAddress}": ${handler.bytes().toString()}`);
          socket.handler = handler;
        },
      });
      const mode = lstatSync(path).mode & 0o777;
      check(mode === 0o600, `its mode is ${mode.toString(8)}`);
      check(listening.port === 0 && listening.host === "", "an address was told");
      let thrown: SocketError | undefined;
      try {
        kit.platform.listen!({ ...at, accept: (socket) => socket.destroy() }).stop();
      } catch (error) {
        thrown = error as SocketError;
      }
      check(thrown?.code === "EADDRINUSE", `it threw ${thrown?.code ?? "nothing"}`);
      const client = net.connect(path, () => client.write("hello"));
      check((await told.promise) === 'from "": hello', `it was told ${await told.promise}`);
      client.destroy();
      listening.stop();
      check(!existsSync(path), "the file is still there");
    } finally {
      rmSync(folder, { recursive: true });
    }
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
export const OF_TLS: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
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
    void attempt.abort();
    await until(() => silent.closed || silent.ended, "the peer to see the end");
    await quiet(0, () => told.length);
  },
};

async function closedPort(kit: Kit): Promise<number> {
  const listening = kit.platform.listen!({ host: "127.0.0.1", port: 0, accept: (socket) => socket.destroy() });
  listening.stop();
  await elapse(0);
  return listening.port;
}

async function failsWith(kit: Kit, port: number, codes: readonly string[], secure?: Partial<ClientTls>): Promise<void> {
  const outcome = await attempt(kit, port, secure === undefined ? undefined : trust(kit.pems!, secure));
  check("error" in outcome, "it connected");
  check(codes.includes(outcome.error.code), `it failed with ${outcome.error.code}: ${outcome.error.message}`);
}
