// What the main thread and its workers say to each other.
import type { Seen } from "../../admin/live/seen.ts";
import type { LimitStatus } from "../../admin/overseen.ts";
import type { IssuedState } from "../../issued.ts";
import type { TargetPlan } from "../../config/upstream/plan.ts";
import type { ErrorCode } from "../../errors.ts";
import type { LinesTo } from "../../platform.ts";
import type { HandedSocket } from "../../platforms/listening.ts";
import type { Change } from "../../record/metrics.ts";
import type { Obstacle } from "../../respond/readiness.ts";
import type { Counted, Counts, NoteBounds, Noted, PlaceBound, PlaceState, Shared } from "../../shared.ts";
import type { Sources } from "../sources.ts";

/** What is the same for all workers, and changes with a reload. */
export interface Task {
  /** The config as the main thread has read and checked it. */
  readonly sources: Sources;
  readonly host: string;
  /** Never 0: the main thread has chosen. */
  readonly port: number;
  /** What limits count in; undefined when the config has no limits. */
  readonly limits: Counts | undefined;
  /** The number of the main thread's search for the targets of an upstream, where it is found while it runs. */
  readonly searches: ReadonlyMap<string, number>;
}

/** What a worker is given when it begins. */
export interface Start {
  readonly task: Task;
  /** How many workers there are. */
  readonly workers: number;
  /** Whether standard output is a person's terminal, and whether to colour it. */
  readonly terminal: boolean;
  readonly colors: boolean;
  readonly shared: Omit<Shared, "note" | "claim" | "counted" | "limits" | "targets">;
  /** The targets that were found last, by search. */
  readonly targets: ReadonlyMap<number, readonly TargetPlan[]>;
  /** The certificates that have been issued so far. */
  readonly issued: IssuedState;
  /** Where the worker beats, and how often; undefined where nobody watches. See Heartbeats. */
  readonly heart: { readonly words: Int32Array; readonly everyMs: number } | undefined;
  /** Listening sockets of another process: it accepts nothing before it is told to. Undefined where none hands any over. */
  readonly handed: readonly HandedSocket[] | undefined;
  /** The main thread's clock: see clock.ts. */
  readonly clock: SharedArrayBuffer;
  /** Bytes of lines that the main thread has taken: see ThreadLinesOptions. */
  readonly taken: Int32Array;
}

/** What an operator wants of a limit for a caller: see LimitControls. */
export interface LimitQuestion {
  readonly act: "see" | "reset";
  readonly limit: string;
  readonly caller: string;
}

/** What came of it; why nothing did. */
export type LimitTold =
  | { readonly status: LimitStatus | undefined }
  | { readonly refusal: { readonly code: ErrorCode; readonly text: string } };

/** Messages of the main thread to a worker. */
export type ToWorker =
  | { readonly kind: "start"; readonly start: Start }
  /** Load this to the side. */
  | { readonly kind: "prepare"; readonly task: Task }
  /** What was loaded to the side runs from now on. */
  | { readonly kind: "take" }
  /** Forget what was loaded to the side. */
  | { readonly kind: "drop" }
  /** Accepts on for so long, lets exchanges finish, then ends. */
  | { readonly kind: "drain"; readonly delayMs: number }
  /** Cut all exchanges, then end. */
  | { readonly kind: "end" }
  /** Tells its listening sockets, and from now on accepts or does not. */
  | { readonly kind: "sockets"; readonly accepts: boolean | undefined }
  /** A search for targets has found these. */
  | { readonly kind: "targets"; readonly search: number; readonly targets: readonly TargetPlan[] }
  /** This has been issued: it says when it knows. */
  | { readonly kind: "issued"; readonly id: number; readonly state: IssuedState }
  /** Tells what it has counted; with `look` also what it has seen of its exchanges, see Watch. */
  | { readonly kind: "count"; readonly id: number; readonly look: boolean }
  | { readonly kind: "limit"; readonly id: number; readonly question: LimitQuestion }
  | { readonly kind: "noted"; readonly id: number; readonly noted: Noted }
  | { readonly kind: "claimed"; readonly id: number; readonly state: PlaceState };

/** Messages of a worker to the main thread. */
export type FromWorker =
  /** It waits for the main thread's clock. */
  | { readonly kind: "clock" }
  | { readonly kind: "listening" }
  /** The worker knows what has been issued. */
  | { readonly kind: "issued"; readonly id: number }
  /** What it was told to load is ready; or it cannot be: why, in full. */
  | { readonly kind: "prepared"; readonly refusal: string | undefined }
  /** The worker runs what it has loaded. */
  | { readonly kind: "taken" }
  /** Its listening sockets, and why it does not accept, or not stop to, as it was told to. */
  | { readonly kind: "sockets"; readonly sockets: readonly HandedSocket[]; readonly refusal: string | undefined }
  /** It has counted this in a set of the table that another process has already. */
  | { readonly kind: "told"; readonly counted: Counted }
  /** It cannot serve: why, in full, and the exit code that goes with that. It ends. */
  | { readonly kind: "refused"; readonly exitCode: number; readonly text: string }
  /** Lines for standard output (0), or for a place that it has opened. */
  | { readonly kind: "lines"; readonly sink: number; readonly lines: Uint8Array<ArrayBuffer> }
  /** Opens a place for lines. See ThreadLinesOptions for `taken`. */
  | { readonly kind: "open lines"; readonly sink: number; readonly to: LinesTo; readonly taken: Int32Array }
  | { readonly kind: "close lines"; readonly sink: number }
  | { readonly kind: "note"; readonly id: number; readonly bounds: NoteBounds; readonly key: string }
  | { readonly kind: "claim"; readonly id: number; readonly bound: PlaceBound; readonly text: string }
  | { readonly kind: "release"; readonly id: number }
  | { readonly kind: "limit told"; readonly id: number; readonly told: LimitTold }
  /** What it has counted since it last told, in answer to a question or, with `id` 0, unasked. */
  | {
      readonly kind: "counted";
      readonly id: number;
      readonly changes: readonly Change[];
      readonly obstacles: readonly Obstacle[];
      readonly seen: Seen | undefined;
    }
  /** All its exchanges have ended, so many of them by force. It ends. */
  | { readonly kind: "drained"; readonly cut: number };
