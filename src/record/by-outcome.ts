// What is kept of one place for each outcome: found by a number, for a text would have to be made each time.
import { type ErrorCode, MEANINGS } from "../errors.ts";
import type { KindLabels, Kinds } from "./kinds.ts";

/** 0 for no failure of the gateway's vocabulary. */
const CODES = [undefined, ...(Object.keys(MEANINGS) as ErrorCode[])];
const CODE_NUMBERS: ReadonlyMap<ErrorCode | undefined, number> = new Map(CODES.map((code, at) => [code, at]));

/** Labels that tell outcomes apart. */
export type OutcomeLabels = KindLabels & Readonly<Record<"http.response.status_code" | "error.type", string>>;

/** What is kept, made when it is first asked for. */
export class ByOutcome<T> {
  readonly #kinds: Kinds;
  readonly #failsFrom: number;
  readonly #make: (labels: OutcomeLabels) => T;
  readonly #known = new Map<number, T>();

  /** @param failsFrom the least status that tells of a failure by itself */
  constructor(kinds: Kinds, failsFrom: number, make: (labels: OutcomeLabels) => T) {
    this.#kinds = kinds;
    this.#failsFrom = failsFrom;
    this.#make = make;
  }

  /** That of this outcome. @param kind see {@link Kinds} @param status 0 for none */
  of(kind: number, status: number, code: ErrorCode | undefined): T {
    const key = (status * this.#kinds.count + kind) * CODES.length + CODE_NUMBERS.get(code)!;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const statusText = status === 0 ? "" : String(status);
    const made = this.#make({
      ...this.#kinds.labels(kind),
      "http.response.status_code": statusText,
      "error.type": code ?? (status >= this.#failsFrom ? statusText : ""),
    });
    this.#known.set(key, made);
    return made;
  }
}
