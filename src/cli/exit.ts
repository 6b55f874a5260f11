// How the executable ends: its exit codes, and the one message that goes with a refusal.

/** Exit codes, after sysexits(3). A supervisor must not restart after 64, 66, 77 and 78: the same start fails again. */
export const EXIT = {
  ok: 0,
  /** The work was not done, though nothing is broken: `init` found a config. */
  failure: 1,
  /** The command line is wrong. */
  usage: 64,
  /** The config file is missing or cannot be read. */
  noInput: 66,
  /** The gateway that was asked does not answer. */
  unavailable: 69,
  /** A fault of Sluice itself. */
  bug: 70,
  /** The system refused: port in use, disk full. */
  os: 71,
  /** Not permitted: a port below 1024, a folder of somebody else. */
  permission: 77,
  /** The config is wrong. */
  config: 78,
} as const;

/** What the codes mean wherever a verb says nothing else, for help and manual page. */
export const EXIT_TEXTS = {
  0: "done",
  64: "the command line is wrong",
  66: "the config file is missing",
  69: "the gateway does not answer",
  70: "a fault of Sluice itself",
  71: "the system refused, such as a port in use",
  77: "not permitted, such as a port below 1024",
  78: "the config is wrong",
} as const;

/** Where in a file something stands. Lines and columns count from 1. */
export interface Place {
  /** Absolute path of the file. */
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** Ends the run with one message for the operator. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: number;
  readonly place: Place | undefined;
  /** How to mend it, shown on a line of its own. */
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, more: { place?: Place | undefined; hint?: string | undefined } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.place = more.place;
    this.hint = more.hint;
  }
}

/** The refusal (64) of a command line that is wrong. */
export function usageError(message: string, hint?: string): Refusal {
  return new Refusal(EXIT.usage, message, { hint });
}

/** The system's name of an error (`EADDRINUSE`), or "" when it has none. */
export function systemCode(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return "";
  return typeof thrown.code === "string" ? thrown.code : "";
}

/** What is told of a fault of Sluice itself: with its stack, for those who mend it. */
export function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
