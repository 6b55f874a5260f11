// What all worker threads of a process share, so that what the config promises holds for them together.
import type { Follow } from "./target.ts";

/** Handed by the main thread to the gateway of each worker, in `Platform.shared`. */
export interface Shared {
  /** Number of this worker, from 1. A worker that replaces another has its number. */
  readonly worker: number;
  /** Tells this process from others in Via: what one worker sent, another knows. */
  readonly instance: string;
  /** What limits count in; undefined when the config has no limits. Another one for a plan that asks for it. */
  limits: Counts | undefined;
  /** Connections of clients that are open, a word a worker: see Tally. Index 0 is nobody. */
  readonly connections: Int32Array;
  /** Exchanges under way that `overload` counts, likewise. */
  readonly underWay: Int32Array;
  /** How much the operator is told: see Verbosity. */
  readonly verbosity: Int32Array;
  /** API keys that are revoked: see RevokedKeys. Undefined where nobody can revoke any. */
  readonly revoked: Int32Array | undefined;
  /** What is known of targets and upstreams: see Board. */
  readonly boards: BoardMemories;
  /**
   * Notes a key in a memory of all workers, and returns whether it was there: see ReplayStore.
   * @param bounds of the memory with this name, the same at every call
   */
  note(bounds: NoteBounds, key: string): Promise<Noted>;
  /** Claims a place among those of all workers. Answers later. */
  readonly claim: Claim;
  /** Reports what this worker has counted in a set of the table that another process has already. */
  counted(counted: Counted): void;
  /** The targets that the main thread finds for the upstreams of all workers. */
  targets: (upstream: string) => Follow;
}

/** A bound on what is under way at once. */
export interface PlaceBound {
  /** The bound's name, unique in the config. */
  readonly name: string;
  /** How many places there are. */
  readonly max: number;
  /** How many exchanges may wait for a place. */
  readonly queue: number;
  /** Whether a place is given even over `max`. */
  readonly observe: boolean;
}

/**
 * What a claim has come to: `"held"`, a place, or `"over"`, one beyond the bound; `"waits"`, which becomes `"held"`; or
 * `"full"`, which ends it.
 */
export type PlaceState = "held" | "over" | "waits" | "full";

/**
 * Claims a place for a value. `answered` is told what has come of it, once, and once more after `"waits"`. What it gives
 * ends the claim, whatever it has come to; it is to be called once.
 */
export type Claim = (bound: PlaceBound, text: string, answered: (state: PlaceState) => void) => () => void;

/** A memory of what was seen before. */
export interface NoteBounds {
  /** The memory's name, unique in the config. */
  readonly name: string;
  /** How long a key is remembered at least; at most twice as long. */
  readonly spanMs: number;
  /** Most keys that are remembered of one span. */
  readonly most: number;
}

/** `"new"`: it was not there. `"seen"`: it was. `"full"`: it cannot be noted, so that it must not be let pass. */
export type Noted = "new" | "seen" | "full";

/** A board of targets, and one of upstreams. */
export interface BoardMemories {
  readonly targets: BoardMemory;
  readonly upstreams: BoardMemory;
}

/** The memory of a board: see SharedBoard. */
export interface BoardMemory {
  /** Words (32 bits) in a row. */
  readonly width: number;
  readonly head: Int32Array;
  readonly tags: Int32Array;
  readonly rows: Int32Array;
}

/** The memory that limits count in, with the secret of its hashes. */
export interface Counts {
  readonly memory: TableMemory;
  /** The key of the hashes. */
  readonly secret: { readonly k0: number; readonly k1: number };
  /** Milliseconds that the table's clock is ahead of the platform's: it goes on where the last process stopped. */
  readonly ahead: number;
  /** Told of what is counted in sets that another process has already; only where one thread counts. */
  told?: ((counted: Counted) => void) | undefined;
}

/** Units that were counted in one entry, as another process is told of them. */
export interface Counted {
  /** The hash of the entry. */
  readonly hash0: number;
  readonly hash1: number;
  /** Of the rule, which they make up: see windowRule. */
  readonly limit: number;
  readonly windowMs: number;
  /** Less than 0 for those that were given back. */
  readonly units: number;
}

/** The memory of a table of limits. Plain for one worker, shared for several. */
export interface TableMemory {
  /** Two words an entry: its hash, 0 and 0 for none. */
  readonly tags: Int32Array;
  readonly entries: Int32Array;
  /** One word a set: 0, or the holder's number. */
  readonly locks: Int32Array;
  /**
   * One word a worker, from index 1: 1 while it lives. Behind them one for the main thread. Index 0 is nobody, and holds
   * how many sets, the first ones, another process has already.
   */
  readonly living: Int32Array;
}
