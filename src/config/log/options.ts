// What a user writes about the access log.

/** The access log. */
export interface LogOptions {
  /** `"json"` lines, `"pretty"` for people, or `"auto"`: pretty when stdout is a terminal. Default: `"auto"`. */
  format?: "json" | "pretty" | "auto";
  /** Query parameters whose values are masked, beside the built-in list of credentials. */
  redactQuery?: readonly string[];
}
