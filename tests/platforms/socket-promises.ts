// What a socket promises, whoever opened it.
import { elapse, until } from "../support/deadline.ts";
import { isSecure, check, type Kit, type Pair, pair, pattern, quiet, type Side } from "./contract-kit.ts";

const MEBIBYTE = 1024 * 1024;

/** What every socket promises, whoever opened it. */
export const OF_EVERY_SOCKET: Readonly<Record<string, (kit: Kit, side: Side) => Promise<void>>> = {
  async "a look finds nothing while the peer is silent, and what has come of it, told or not"(kit, side) {
    const looked = (socket: Pair["socket"]): Promise<boolean> => new Promise((resolve) => socket.look(resolve));
    const silent = await pair(kit, side);
    await new Promise<void>((resolve) => silent.peer.raw.write("x", () => resolve()));
    await until(() => silent.told.received > 0, "what the peer said");
    check(await looked(silent.socket), "it found something of a silent peer");
    const { socket, peer } = await pair(kit, side);
    await new Promise<void>((resolve) => peer.raw.end(resolve));
    // A TLS peer is behind another socket: its end comes a little later.
    if (isSecure(side)) await elapse(20);
    check(!(await looked(socket)), "it did not find the peer's end");
    const gone = await pair(kit, side);
    gone.socket.destroy();
    check(!(await looked(gone.socket)), "a socket that is gone looks quiet");
  },

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
    let held = 0;
    for (let same = 0; same < 10; same++) {
      await elapse(10);
      if (peer.raw.writableLength !== held) same = 0;
      held = peer.raw.writableLength;
    }
    check(held > 0, "all bytes left the peer while the socket was paused");
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

  async "close sends all that waits, then FIN, and does not wait for the peer's"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    const sent = pattern(4 * MEBIBYTE);
    socket.write(sent);
    socket.close();
    socket.close();
    await until(() => peer.ended || peer.closed, "FIN at the peer");
    check(peer.bytes().equals(sent), `the peer saw FIN after ${peer.received} of ${sent.length} bytes`);
    await until(() => told.closings.length > 0, "closed");
    check(told.closings[0] === undefined, `closed with ${told.closings[0]?.code}`);
    await quiet(1, () => told.closings.length);
  },

  async "nothing is read behind close"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    peer.raw.write("x");
    await until(() => told.received === 1, "a byte");
    socket.close();
    peer.raw.write("too late");
    await until(() => told.closings.length > 0, "closed");
    check(told.received === 1, "bytes came behind close");
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
    check(socket.secure === isSecure(side), `secure is ${socket.secure}`);
  },
};

/** What sockets without TLS promise beside. */
export const OF_PLAIN_SOCKETS: Readonly<Record<string, (kit: Kit, side: Side) => Promise<void>>> = {
  async "a reset is told also while the socket is paused"(kit, side) {
    const { socket, peer, told, reset } = await pair(kit, side);
    peer.raw.write("x");
    await until(() => told.received === 1, "a byte");
    socket.pause();
    reset();
    await until(() => told.closings.length > 0, "closed");
    check(told.closings[0] !== undefined, "closed without an error");
  },

  async "a peer that is gone behind its FIN is closed with an error once something was sent to it"(kit, side) {
    const { socket, peer, told } = await pair(kit, side);
    peer.raw.write("x");
    await until(() => told.received === 1, "a byte");
    peer.raw.destroy();
    await until(() => told.ends === 1 || told.closings.length > 0, "ended");
    if (told.closings.length === 0) socket.writeText("are you there?");
    await until(() => told.closings.length > 0, "closed");
    await quiet(1, () => told.closings.length);
  },
};
