// The listening sockets of a thread on Bun: those that it opened, and those that another process has handed over.
import { openSync, rmSync } from "node:fs";
import { closeDescriptor, type ListeningDescriptor, listeningDescriptor } from "./listening-descriptor.ts";

/** Where a socket is wanted: as ListenOptions say it. */
export interface Wanted {
  readonly path?: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** A listening socket on its way from one process to the next. The kernel's queue goes with it. Plain values. */
export interface HandedSocket {
  /** In the process that has it. */
  readonly fd: number;
  readonly wanted: Wanted;
  /** Where it is: `wanted` may have left the port to the system. */
  readonly host: string;
  readonly port: number;
}

/** Bun's, as far as it is used. */
export interface BunListener {
  /** The types lack it. */
  readonly fd?: number;
  readonly hostname?: string;
  readonly port?: number;
  stop(closeActive: boolean): void;
}

/** Sockets that are open for one place: more than one where a process with more workers has handed them over. */
export interface Opened {
  readonly host: string;
  readonly port: number;
  readonly listeners: readonly BunListener[];
  stop(): void;
}

/** One of them. */
interface Open {
  readonly listener: BunListener;
  readonly wanted: Wanted;
  readonly host: string;
  readonly port: number;
  /** Found when it is first paused, or taken. */
  descriptor: ListeningDescriptor | undefined;
  isPaused: boolean;
  /** Whether Bun knows the path, and removes it. */
  readonly isBuns: boolean;
}

/** Where a socket of ours is opened for a moment, for another to take its place. */
const ANYWHERE: Wanted = { host: "127.0.0.1", port: 0 };

/** All of a thread. */
export class ListeningSockets {
  readonly #open = new Set<Open>();
  readonly #handed: HandedSocket[];
  #paused: boolean;
  #isOver = false;

  /**
   * @param handed by another process, to be taken where they are wanted
   * @param paused whether nothing is accepted before `resume`
   */
  constructor(handed: readonly HandedSocket[] = [], paused = false) {
    this.#handed = [...handed];
    this.#paused = paused;
  }

  /**
   * The sockets for a place: those that were handed over for it, or else one that `listen` opens.
   * @throws what `listen` throws, or Error where one that was handed over cannot be taken
   */
  open(wanted: Wanted, listen: (where: Wanted) => BunListener): Opened {
    const handed = this.#take(wanted);
    const opened = handed.length === 0 ? [this.#own(wanted, listen)] : handed.map((each) => this.#adopt(each, listen));
    for (const open of opened) {
      this.#open.add(open);
      if (this.#paused) pause(open);
      else resume(open);
    }
    const { host, port } = opened[0]!;
    return {
      host,
      port,
      listeners: opened.map(({ listener }) => listener),
      stop: () => {
        for (const open of opened) this.#stop(open);
      },
    };
  }

  /** Whether one was handed over for a place, and is still to be taken. */
  has(wanted: Wanted): boolean {
    return this.#handed.some((each) => isAt(each, wanted));
  }

  #take(wanted: Wanted): HandedSocket[] {
    const first = this.#handed.find((each) => isAt(each, wanted));
    if (first === undefined) return [];
    const all = this.#handed.filter((each) => placeOf(each) === placeOf(first));
    for (const each of all) this.#handed.splice(this.#handed.indexOf(each), 1);
    return all;
  }

  #own(wanted: Wanted, listen: (where: Wanted) => BunListener): Open {
    const listener = listen(wanted);
    const { hostname: host = "", port = 0 } = wanted.path === undefined ? listener : {};
    return { listener, wanted, host, port, descriptor: undefined, isPaused: false, isBuns: true };
  }

  /** Bun listens where it opened a socket itself: it opens one anywhere, and the other takes that one's place. */
  #adopt({ fd, wanted, host, port }: HandedSocket, listen: (where: Wanted) => BunListener): Open {
    const listener = listen(ANYWHERE);
    const descriptor = listeningDescriptor(listener.fd!);
    try {
      if (descriptor === undefined) throw new Error("a listening socket that was handed over cannot be taken here");
      descriptor.pause();
      descriptor.exchange(fd);
    } catch (error) {
      listener.stop(true);
      throw error;
    }
    return { listener, wanted, host, port, descriptor, isPaused: true, isBuns: false };
  }

  /** All of them, for another process: it shares them from when it is given their descriptors. */
  get sockets(): HandedSocket[] {
    return [...this.#open].map(({ listener, wanted, host, port }) => ({ fd: listener.fd!, wanted, host, port }));
  }

  /** Accepts nothing: who connects waits. @throws Error where that cannot be; then all is as it was */
  pause(): void {
    try {
      for (const open of this.#open) pause(open);
      this.#paused = true;
    } catch (error) {
      for (const open of this.#open) resume(open);
      throw error;
    }
  }

  /** Accepts what waits, and what comes. */
  resume(): void {
    this.#paused = false;
    for (const open of this.#open) resume(open);
  }

  /** Another process has them: what stops here goes on there, and files of Unix sockets stay. */
  handOver(): void {
    this.#isOver = true;
  }

  #stop(open: Open): void {
    if (!this.#open.delete(open)) return;
    const { path } = open.wanted;
    // One that has never accepted is still the other process's. While it listens, nobody else takes its path: it is removed
    // first, as Bun does it.
    if (path !== undefined && !open.isBuns && !open.isPaused) rmSync(path, { force: true });
    // Bun would remove the file: it is left without its socket instead, until the process ends.
    if (path !== undefined && this.#isOver) open.descriptor?.exchange(openSync("/dev/null", "r"));
    else open.listener.stop(false);
  }

  /** Closes those that nobody has wanted. */
  closeRest(): void {
    for (const { fd } of this.#handed.splice(0)) closeDescriptor(fd);
  }
}

/** One text for all sockets that listen at one place. */
export function placeOf({ wanted, host, port }: HandedSocket): string {
  return wanted.path ?? `${host} ${port}`;
}

/** Whether it is what is wanted there: by where it was wanted before, or by where it is. */
export function isAt({ wanted, host, port }: HandedSocket, place: Wanted): boolean {
  if (place.path !== undefined || wanted.path !== undefined) return place.path === wanted.path;
  return (place.host === wanted.host && place.port === wanted.port) || (place.host === host && place.port === port);
}

/** @throws Error where that cannot be */
function pause(open: Open): void {
  if (open.isPaused) return;
  open.descriptor ??= listeningDescriptor(open.listener.fd!);
  if (open.descriptor === undefined) throw new Error("a listening socket cannot be paused here");
  open.descriptor.pause();
  open.isPaused = true;
}

function resume(open: Open): void {
  if (open.isPaused) open.descriptor!.resume();
  open.isPaused = false;
}
