// The descriptor of a listening socket, below what Bun knows of it: taken out of the event loop, put back, exchanged. On Linux.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { cLibrary } from "./c-library.ts";

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

/** One that an event loop of this process watches. */
export interface ListeningDescriptor {
  /** Nothing is accepted any more: who connects waits in the kernel's queue. */
  pause(): void;
  /** What waits is accepted, and what comes. */
  resume(): void;
  /**
   * Another socket takes its place, under its number, and that of the other one is closed. Only while it is paused.
   * @throws Error and the number is as it was
   */
  exchange(other: number): void;
}

/** Undefined where C cannot be called, or is not Linux's, or nobody watches this descriptor. */
export function listeningDescriptor(fd: number): ListeningDescriptor | undefined {
  const c = libc();
  const watch = c && watchOf(fd);
  if (c === undefined || watch === undefined) return undefined;
  const { epoll, event } = watch;
  const control = (act: number, what: string): void => {
    if (c.epoll_ctl(epoll, act, fd, event) !== 0) throw new Error(`a listening socket cannot be ${what}`);
  };
  return {
    pause: () => control(EPOLL_CTL_DEL, "paused"),
    resume: () => control(EPOLL_CTL_ADD, "resumed"),
    exchange(other) {
      if (c.dup3(other, fd, O_CLOEXEC) !== fd) throw new Error("a listening socket cannot take another's place");
      c.close(other);
    },
  };
}

/** Lets other sockets of this user listen on the same port as this one does, as several workers do (SO_REUSEPORT). */
export function sharePort(fd: number): void {
  libc()?.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, new Int32Array([1]), 4);
}

/** Another number for the same socket, which is the caller's. @throws Error where there is none */
export function duplicate(fd: number): number {
  const other = libc()?.fcntl(fd, F_DUPFD_CLOEXEC, 0) ?? -1;
  if (other < 0) throw new Error("a socket cannot be duplicated");
  return other;
}

/** Closes a descriptor that nothing of the runtime owns. */
export function closeDescriptor(fd: number): void {
  libc()?.close(fd);
}

/** Loaded when it is first asked for; null where it cannot be. */
let loaded: ReturnType<typeof load> | null | undefined;

function libc(): ReturnType<typeof load> {
  loaded ??= load() ?? null;
  return loaded ?? undefined;
}

function load() {
  if (process.platform !== "linux") return undefined;
  return cLibrary({
    epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
    dup3: { args: ["i32", "i32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  });
}

/** The event loop that watches a descriptor, and how: proc(5) tells both of each epoll instance. */
function watchOf(fd: number): { readonly epoll: number; readonly event: Uint8Array } | undefined {
  const line = new RegExp(`^tfd:\\s+${fd} events:\\s+([0-9a-f]+) data:\\s+([0-9a-f]+)`, "m");
  for (const name of readdirSync("/proc/self/fd")) {
    const found = isEpoll(name) && line.exec(readFileSync(`/proc/self/fdinfo/${name}`, "latin1"));
    if (found) return { epoll: Number(name), event: eventOf(parseInt(found[1]!, 16), BigInt(`0x${found[2]}`)) };
  }
  return undefined;
}

function isEpoll(name: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${name}`) === "anon_inode:[eventpoll]";
  } catch {
    // Closed meanwhile.
    return false;
  }
}

/** struct epoll_event: 4 bytes of events and 8 of data, without a gap on x86-64 alone. */
function eventOf(events: number, data: bigint): Uint8Array {
  const isPacked = process.arch === "x64";
  const event = Buffer.alloc(isPacked ? 12 : 16);
  event.writeUInt32LE(events, 0);
  event.writeBigUInt64LE(data, isPacked ? 4 : 8);
  return event;
}
