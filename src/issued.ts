// What an authority issues while the gateway runs: the certificates that listeners show, and the answers that prove whose hosts they are.
import type { ServerCertificate } from "./platform.ts";

/** A certificate that an ACME authority has issued. */
export interface IssuedCertificate extends ServerCertificate {
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** What is known at a moment. Plain values: threads send it to each other. */
export interface IssuedState {
  readonly certificates: readonly IssuedCertificate[];
  /** Host names that are to have one, and have none yet. */
  readonly awaited: readonly string[];
  /** What the authority is answered when it asks for one of these tokens (RFC 8555 section 8.3). */
  readonly answers: ReadonlyMap<string, string>;
  /** The file in which those of other processes stand, which share a folder with this one; see {@link answersIn}. */
  readonly answersFile?: string | undefined;
}

/** What a gateway knows of the certificates that an authority issues. */
export interface Issued {
  /** The certificates, awaited names and challenge answers as they are now. */
  readonly state: IssuedState;
  /** Calls back when certificates, or names that await one, have changed. Returns an unsubscribe function. */
  follow(changed: () => void): () => void;
}

const NOTHING: IssuedState = { certificates: [], awaited: [], answers: new Map() };

/** Answers as a file holds them: JSON, by token. */
export function answersText(answers: ReadonlyMap<string, string>): string {
  return `${JSON.stringify(Object.fromEntries(answers))}\n`;
}

/** The answers of such a file; none where it cannot be read. */
export function answersIn(text: string): ReadonlyMap<string, string> {
  try {
    const found = Object.entries(JSON.parse(text) as object);
    return new Map(found.filter((each): each is [string, string] => typeof each[1] === "string"));
  } catch {
    return new Map();
  }
}

/** The state that was told last, and who follows it. */
export class LatestIssued implements Issued {
  #state: IssuedState;
  readonly #followers = new Set<() => void>();

  constructor(state = NOTHING) {
    this.#state = state;
  }

  get state(): IssuedState {
    return this.#state;
  }

  /** Takes a new state, and calls the followers when certificates or awaited names differ. */
  put(state: IssuedState): void {
    const before = this.#state;
    this.#state = state;
    if (isSameShown(before, state)) return;
    for (const changed of this.#followers) changed();
  }

  follow(changed: () => void): () => void {
    this.#followers.add(changed);
    return () => this.#followers.delete(changed);
  }
}

/** Whether listeners would show the same. */
function isSameShown(a: IssuedState, b: IssuedState): boolean {
  const texts = ({ certificates, awaited }: IssuedState): string[] => [
    ...certificates.map(({ cert }) => cert),
    "",
    ...awaited,
  ];
  const [one, other] = [texts(a), texts(b)];
  return one.length === other.length && one.every((text, i) => text === other[i]);
}
