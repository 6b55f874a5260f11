// Kinds of requests, by method and scheme: a number each, however many methods strangers think up.

/** Methods that are told by name (RFC 9110 section 9.3, RFC 5789, RFC 10008); all others are one (OpenTelemetry). */
export const STANDARD: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "QUERY",
  "CONNECT",
  "TRACE",
];
const OTHER = "_OTHER";

/** What tells kinds apart. */
export type KindLabels = Readonly<Record<"http.request.method" | "url.scheme", string>>;

/** The kinds that are told apart. */
export class Kinds {
  /** Kinds are numbers from 0 to this one, exclusive. */
  readonly count: number;
  readonly #methods: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param methods those that are told by name. Default: those of the standards */
  constructor(methods: readonly string[] = STANDARD) {
    this.#methods = [...methods, OTHER];
    this.#numbers = new Map(methods.map((method, at) => [method, at]));
    this.count = this.#methods.length * 2;
  }

  /** The kind of a request. */
  of({ method, scheme }: { readonly method: string; readonly scheme: "http" | "https" }): number {
    return (this.#numbers.get(method) ?? this.#numbers.size) * 2 + Number(scheme === "https");
  }

  /** How a kind is told. */
  labels(kind: number): KindLabels {
    return { "http.request.method": this.#methods[kind >> 1]!, "url.scheme": kind % 2 === 1 ? "https" : "http" };
  }

  /** The method as it is told: by its name, or as one of the others. */
  known(method: string): string {
    return this.#numbers.has(method) ? method : OTHER;
  }
}
