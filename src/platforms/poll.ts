// poll(2): what the kernel knows of a descriptor at this moment, whatever the event loop has told. On Bun, by a call into C.
import { cLibrary } from "./c-library.ts";

const POLLIN = 1;
const POLLOUT = 4;

/** What can be asked of a descriptor. Each is also true of one that is broken. */
export interface Poll {
  /** Bytes, an end or a reset have come. */
  isReadable(fd: number): boolean;
  /** It takes bytes. */
  isWritable(fd: number): boolean;
}

/** Loaded when it is first asked for; null where C cannot be called. */
let loaded: Poll | null | undefined;

/** Asks poll(2); undefined where C cannot be called. */
export function poll(): Poll | undefined {
  loaded ??= load() ?? null;
  return loaded ?? undefined;
}

function load(): Poll | undefined {
  const symbols = cLibrary({ poll: { args: ["ptr", "u64", "i32"], returns: "i32" } });
  if (symbols === undefined) return undefined;
  // struct pollfd { int fd; short events; short revents; }
  const request = new Int32Array(2);
  const asks = (fd: number, events: number): boolean => {
    request[0] = fd;
    request[1] = events;
    return symbols.poll(request, 1, 0) !== 0;
  };
  return { isReadable: (fd) => asks(fd, POLLIN), isWritable: (fd) => asks(fd, POLLOUT) };
}
