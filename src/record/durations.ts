// The series of one place by method, status and failure, found by a number: a text would have to be made each time.
import { type ErrorCode, MEANINGS } from "../errors.ts";
import type { Histogram } from "./metrics.ts";

/** Methods that are told by name (RFC 9110 section 9.3, RFC 5789, RFC 10008); all others are one (OpenTelemetry). */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE", "_OTHER"];
const OTHER = METHODS.length - 1;
const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, at) => [method, at]));

/** The method as it is told: by its name, or as one of the others. */
export function knownMethod(method: string): string {
  return METHOD_NUMBERS.has(method) ? method : METHODS[OTHER]!;
}

/** 0 for no failure of the gateway's vocabulary. */
const CODES = [undefined, ...(Object.keys(MEANINGS) as ErrorCode[])];
const CODE_NUMBERS: ReadonlyMap<ErrorCode | undefined, number> = new Map(CODES.map((code, at) => [code, at]));

/** Labels that tell outcomes apart. */
export type OutcomeLabels = Readonly<
  Record<"http.request.method" | "http.response.status_code" | "url.scheme" | "error.type", string>
>;

/** Histograms of one place, made when they are first asked for. */
export class Durations {
  readonly #failsFrom: number;
  readonly #make: (labels: OutcomeLabels) => Histogram;
  readonly #known = new Map<number, Histogram>();

  /** @param failsFrom the least status that tells of a failure by itself */
  constructor(failsFrom: number, make: (labels: OutcomeLabels) => Histogram) {
    this.#failsFrom = failsFrom;
    this.#make = make;
  }

  /** The one for this outcome. @param status 0 for none */
  of(method: string, scheme: "http" | "https", status: number, code: ErrorCode | undefined): Histogram {
    const methodNumber = METHOD_NUMBERS.get(method) ?? OTHER;
    const outcome = (status * METHODS.length + methodNumber) * CODES.length + CODE_NUMBERS.get(code)!;
    const key = outcome * 2 + Number(scheme === "https");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const statusText = status === 0 ? "" : String(status);
    const made = this.#make({
      "http.request.method": METHODS[methodNumber]!,
      "http.response.status_code": statusText,
      "url.scheme": scheme,
      "error.type": code ?? (status >= this.#failsFrom ? statusText : ""),
    });
    this.#known.set(key, made);
    return made;
  }
}
