// Datagrams to Unix sockets, which the runtimes lack: by calls into C, on Linux with Bun.
import { cLibrary } from "./c-library.ts";
import { poll } from "./poll.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Most bytes of a path in `struct sockaddr_un`. */
const MOST_PATH = 107;

/** What can be done with them. None waits. */
export interface UnixDatagrams {
  /** A socket that sends to this path, or abstract name ("\0name"); undefined when nobody listens there. */
  connect(path: string): number | undefined;
  /** "full": the receiver has no room now. */
  send(fd: number, bytes: Uint8Array): "sent" | "full" | "failed";
  close(fd: number): void;
}

/** Undefined where C cannot be called, or is not Linux's. */
export function unixDatagrams(): UnixDatagrams | undefined {
  if (process.platform !== "linux") return undefined;
  const c = cLibrary({
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const asked = poll();
  if (c === undefined || asked === undefined) return undefined;
  return {
    connect(path) {
      const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd < 0) return undefined;
      const name = Buffer.from(path).subarray(0, MOST_PATH);
      // struct sockaddr_un: the family in two bytes, the path, a zero; an abstract name begins with a zero and ends with none.
      const address = Buffer.alloc(2 + name.length + (path.startsWith("\0") ? 0 : 1));
      address.writeUInt16LE(AF_UNIX, 0);
      name.copy(address, 2);
      if (c.connect(fd, address, address.length) === 0) return fd;
      c.close(fd);
      return undefined;
    },
    send(fd, bytes) {
      if (Number(c.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0) return "sent";
      return asked.isWritable(fd) ? "failed" : "full";
    },
    close: (fd) => void c.close(fd),
  };
}
