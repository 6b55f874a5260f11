// Why something could not be had of an authority.

/** What is known of a failure beside its message. */
export interface FailureFacts {
  /** Whose failure it is: that of one host name, or of all that is asked of the authority. */
  readonly of: "domain" | "authority";
  /** The last word of the problem's type, such as "rateLimited" (RFC 8555 section 6.7); undefined for none of ACME's. */
  readonly type?: string | undefined;
  /** How long the authority asks to be left alone; 0 for not at all. */
  readonly askedMs?: number;
}

/** A failure. The message is for the operator. */
export class AcmeFailure extends Error {
  override readonly name = "AcmeFailure";
  readonly of: FailureFacts["of"];
  readonly type: string | undefined;
  readonly askedMs: number;

  constructor(message: string, { of, type, askedMs = 0 }: FailureFacts) {
    super(message);
    this.of = of;
    this.type = type;
    this.askedMs = askedMs;
  }
}

/** Longest text of an authority that is told. */
const MOST_SHOWN = 500;

/** A text of the authority, as it may stand in a line. */
export function shown(text: unknown): string {
  const line = String(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  return line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line;
}
