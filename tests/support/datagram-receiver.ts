// A Unix socket that receives datagrams: what a log daemon or a service manager has.
import { cLibrary } from "../../src/platforms/c-library.ts";

/** Receives at a path, or at an abstract name ("\0name"). */
export function receiver(path: string): { next(): string | undefined; close(): void } {
  const c = cLibrary({
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  })!;
  const fd = c.socket(1, 2, 0);
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.alloc(path.startsWith("\0") ? 0 : 1)]);
  if (c.bind(fd, address, address.length) !== 0) throw new Error(`cannot bind ${path}`);
  const into = Buffer.alloc(70_000);
  return {
    next() {
      // MSG_DONTWAIT
      const length = Number(c.recv(fd, into, into.length, 0x40));
      return length < 0 ? undefined : into.toString("latin1", 0, length);
    },
    close: () => void c.close(fd),
  };
}
