// Lines as datagrams, one each: over UDP, and to a Unix socket such as /dev/log where C can be called.
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { messageOf } from "../errors.ts";
import type { LineOutput } from "./awaited-lines.ts";
import { unixDatagrams, type UnixDatagrams } from "./unix-datagram.ts";

const NEWLINE = 0x0a;
/** Most bytes of a datagram over UDP, and about what a Unix socket takes by default. */
const MOST = 65_000;
/** A receiver that is not there is looked for again after so long. */
const AGAIN_MS = 1000;
/** A Unix socket whose receiver is slow is tried again after so long. */
const FULL_MS = 5;

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from);
    yield bytes.subarray(from, end);
    from = end + 1;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Over UDP (RFC 5426). A name that is not found is waited for. Whether a datagram arrives nobody knows; what could not even
 * be sent is counted.
 */
export function udpOutput(
  { name, host, port }: { name: string; host: string; port: number },
  notice: (text: string) => void,
): LineOutput {
  let socket: Socket | undefined;
  let openedAt = -Infinity;
  let isClosed = false;
  let isTold = false;
  const open = async (): Promise<Socket> => {
    const { address, family } = await lookup(host);
    const fresh = createSocket(family === 6 ? "udp6" : "udp4");
    fresh.on("error", () => drop(fresh));
    await new Promise<void>((resolve, reject) => {
      fresh.once("error", reject);
      fresh.connect(port, address, (error?: Error) => {
        fresh.off("error", reject);
        if (error === undefined) return resolve();
        drop(fresh);
        reject(error);
      });
    });
    fresh.unref();
    return fresh;
  };
  /** The socket, however long it takes to have one; undefined when it is closed meanwhile. */
  const opened = async (): Promise<Socket | undefined> => {
    while (!isClosed) {
      if (socket !== undefined) return socket;
      await pause(Math.max(0, openedAt + AGAIN_MS - performance.now()));
      openedAt = performance.now();
      try {
        socket = await open();
      } catch (thrown) {
        if (!isTold) notice(`${name} cannot be written (${messageOf(thrown)}): lines of the access log wait`);
        isTold = true;
        continue;
      }
      if (isTold) notice(`${name} is written again`);
      isTold = false;
      if (isClosed) drop(socket);
    }
    return undefined;
  };
  const drop = (which: Socket): void => {
    if (socket === which) socket = undefined;
    try {
      which.close();
    } catch {
      // It is closed.
    }
  };
  return {
    async write(lines) {
      let lost = 0;
      for (const line of linesOf(lines)) {
        const to = line.length > MOST ? undefined : await opened();
        if (to === undefined) {
          lost++;
          continue;
        }
        try {
          await new Promise<void>((resolve, reject) => {
            to.send(line, (error) => (error === null || error === undefined ? resolve() : reject(error)));
          });
        } catch {
          lost++;
          drop(to);
        }
      }
      return lost;
    },
    close() {
      isClosed = true;
      if (socket !== undefined) drop(socket);
    },
  };
}

/** To a Unix socket. A receiver that has no room, or is gone, is waited for. */
export function unixOutput(path: string, notice: (text: string) => void): LineOutput {
  const datagrams = unixDatagrams();
  let fd: number | undefined;
  let isClosed = false;
  let isTold = false;
  /** Connects, however long that takes; false when it is closed meanwhile. */
  const connected = async ({ connect }: UnixDatagrams): Promise<boolean> => {
    while (!isClosed) {
      fd ??= connect(path);
      if (fd !== undefined) {
        if (isTold) notice(`unix://${path} is written again`);
        isTold = false;
        return true;
      }
      if (!isTold) notice(`unix://${path} cannot be written (nobody listens): lines of the access log wait`);
      isTold = true;
      await pause(AGAIN_MS);
    }
    return false;
  };
  /** Whether it could be sent. One that fails on two connections is given up. */
  const send = async (to: UnixDatagrams, line: Uint8Array): Promise<boolean> => {
    for (let failures = 0; failures < 2 && line.length <= MOST;) {
      if (!(await connected(to))) return false;
      const sent = to.send(fd!, line);
      if (sent === "sent") return true;
      if (sent === "full") await pause(FULL_MS);
      else {
        failures++;
        to.close(fd!);
        fd = undefined;
      }
    }
    return false;
  };
  return {
    async write(lines) {
      if (datagrams === undefined) throw new Error("this runtime has no Unix datagrams");
      let lost = 0;
      for (const line of linesOf(lines)) if (!(await send(datagrams, line))) lost++;
      return lost;
    },
    close() {
      isClosed = true;
      if (fd !== undefined) datagrams?.close(fd);
      fd = undefined;
    },
  };
}
