// A route's path pattern, read once when the plan is loaded.
import { decodeBytes, decodeSegment, dotsIn, isPlain } from "../http/target.ts";
import { wireText } from "../http/latin1.ts";

/** One segment of a pattern: bytes to be equal to (latin1 text), or a parameter that takes any segment but the empty one. */
export type Segment = { readonly literal: string } | { readonly param: string };

/** A pattern that has been read. */
export interface Pattern {
  /** The segments in order, a last `*` left out. Literals are bytes, percent-decoded: `/%61` is `/a`, `/ø` is `/%C3%B8`. */
  readonly segments: readonly Segment[];
  /** Whether a last `*` takes the prefix itself and all below it. */
  readonly rest: boolean;
  /** Names of the parameters in order, with `*` at the end if there is one. */
  readonly names: readonly string[];
  /** The same for two patterns that match the same paths. */
  readonly shape: string;
}

/** Most segments of a pattern: bounds the depth of every walk. */
const MOST_SEGMENTS = 256;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a pattern: literal segments, `:name` for one non-empty segment, a last `*` for the rest. The answer is a string
 * when no request could ever match or the pattern says nothing clear: one sentence for the operator.
 */
export function readPattern(path: string): Pattern | string {
  if (!path.startsWith("/")) return 'A pattern begins with "/".';
  const queryAt = path.search(/[?#]/);
  if (queryAt >= 0) {
    return `A pattern holds no "${path[queryAt]}": ask for query parameters with \`query\`, or write %3F or %23.`;
  }
  const texts = path.slice(1).split("/");
  if (texts.length > MOST_SEGMENTS)
    return `A pattern has at most ${MOST_SEGMENTS} segments, this one has ${texts.length}.`;

  const rest = texts.at(-1) === "*";
  if (rest) texts.pop();
  const segments: Segment[] = [];
  const names: string[] = [];
  for (const text of texts) {
    const segment = readSegment(text);
    if (typeof segment === "string") return segment;
    if ("param" in segment) {
      if (names.includes(segment.param)) return `The parameter \`:${segment.param}\` stands twice in the pattern.`;
      names.push(segment.param);
    }
    segments.push(segment);
  }
  if (rest) names.push("*");
  return { segments, rest, names, shape: shapeOf(segments, rest) };
}

function readSegment(text: string): Segment | string {
  if (text.startsWith(":")) {
    const param = text.slice(1);
    if (NAME.test(param)) return { param };
    return `\`${text}\` is no parameter: a name has letters, digits and "_" and takes a whole segment; write %3A for a literal ":".`;
  }
  if (text.includes("*")) {
    return `\`${text}\` is no segment: "*" stands alone and last, as in /files/*; write %2A for a literal "*".`;
  }
  const wire = wireText(text);
  const literal = decodeBytes(wire);
  if (dotsIn(wire) > 0) return `\`${text}\` never matches: dot segments are resolved before matching.`;
  if (literal.includes("\0")) return `\`${text}\` never matches: a path that holds NUL is refused.`;
  return { literal };
}

function shapeOf(segments: readonly Segment[], rest: boolean): string {
  let shape = "";
  for (const segment of segments) shape += "literal" in segment ? `/=${encodeURIComponent(segment.literal)}` : "/:";
  return rest ? `${shape}/*` : shape;
}

/** The parameters of a path that the pattern matches, percent-decoded. Without prototype: any name is safe. */
export function paramsOf(pattern: Pattern, path: string): Readonly<Record<string, string>> {
  const params: Record<string, string> = Object.create(null);
  let from = 1;
  for (const segment of pattern.segments) {
    const slash = path.indexOf("/", from);
    const end = slash < 0 ? path.length : slash;
    if ("param" in segment) params[segment.param] = decodeSegment(path.slice(from, end));
    from = end + 1;
  }
  if (pattern.rest) params["*"] = decodeSegments(path.slice(from));
  return params;
}

function decodeSegments(raw: string): string {
  return isPlain(raw) ? raw : raw.split("/").map(decodeSegment).join("/");
}

/** The raw segment at an index of a path, as the client spelled it. */
export function rawSegment(path: string, index: number): string {
  let from = 1;
  for (let i = 0; i < index; i++) from = path.indexOf("/", from) + 1;
  const end = path.indexOf("/", from);
  return end < 0 ? path.slice(from) : path.slice(from, end);
}

/** What is left of a path behind its first `count` segments: "" or a text that begins with "/". */
export function rawRest(path: string, count: number): string {
  let from = 0;
  for (let i = 0; i < count; i++) {
    from = path.indexOf("/", from + 1);
    if (from < 0) return "";
  }
  return path.slice(from);
}
