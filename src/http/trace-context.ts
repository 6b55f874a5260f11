// W3C Trace Context (level 2): which trace a message belongs to, as its fields say it. Pure.

/** Bits of the flags. All others are not known, and not passed on. */
export const SAMPLED = 1;
/** The last 14 digits of the trace id are random (level 2). */
export const RANDOM = 2;

/** The span that a message comes from. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 of them, not all 0. */
  readonly spanId: string;
  /** {@link SAMPLED} and {@link RANDOM}. */
  readonly flags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads the value of `traceparent`; undefined for one that is malformed. Of later versions what this one knows is read. */
export function readTraceparent(text: string): SpanContext | undefined {
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return { traceId: traceId!, spanId: spanId!, flags: Number.parseInt(flags!, 16) & (SAMPLED | RANDOM) };
}

/** What all spans of an exchange have: the id of their trace, "-", and the first 14 digits of their own ids. */
interface Stemmed {
  readonly stem: string;
  readonly flags: number;
}

/** The id of the trace. */
export function traceIdOf({ stem }: Stemmed): string {
  return stem.slice(0, 32);
}

/** The id of one of the spans: that of the exchange itself has number 0, those of attempts come behind it. */
export function spanIdOf({ stem }: Stemmed, number = 0): string {
  return stem.slice(33) + countOf(number);
}

/** The value of `traceparent` for what is a child of this span. It is in every message to an upstream: two pieces are copied, not six. */
export function traceparentOf({ stem, flags }: Stemmed, number = 0): string {
  return `00-${stem}${ENDINGS[flags & (SAMPLED | RANDOM)]![(number + 1) & 0xff]!}`;
}

// Counted from 1, so that no id is all 0.
function countOf(number: number): string {
  return COUNTS[(number + 1) & 0xff]!;
}

const COUNTS = Array.from({ length: 256 }, (_, count) => count.toString(16).padStart(2, "0"));
const ENDINGS = [0, 1, 2, 3].map((flags) => COUNTS.map((count) => `${count}-0${flags}`));

/** Members, characters in all, and characters of a member that is the first to go where there are too many. */
const MOST_MEMBERS = 32;
const MOST_STATE = 512;
const LONG_MEMBER = 128;

/** A member of `tracestate` as level 2 has it: a key of up to 256 characters, "=", and up to 256 printable ones. */
const MEMBER = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/**
 * The members of `tracestate`, of all its lines. None when it is malformed, when a key stands twice, and when there are
 * more than 32. Over 512 characters those go that are longer than 128, and then the last ones.
 */
export function readTracestate(lines: readonly string[]): string[] {
  const members = lines
    .flatMap((line) => line.split(","))
    .map((member) => member.replace(/^[\t ]+|[\t ]+$/g, ""))
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
  if (members.length > MOST_MEMBERS || keys.size < members.length || !members.every((each) => MEMBER.test(each))) {
    return [];
  }
  let size = members.reduce((sum, member) => sum + member.length + 1, -1);
  const shed = (at: number): void => void (size -= members.splice(at, 1)[0]!.length + 1);
  for (let at = members.length - 1; at >= 0 && size > MOST_STATE; at--) if (members[at]!.length > LONG_MEMBER) shed(at);
  while (size > MOST_STATE) shed(members.length - 1);
  return members;
}
