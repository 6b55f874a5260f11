// Templates of rewrites and redirects: `:name` and `*` take what the pattern matched, in the client's spelling.
import { GatewayError } from "../errors.ts";
import { holdsDots } from "../http/target.ts";
import { rawRest, rawSegment, type Pattern } from "./pattern.ts";
import { encodeBytes, IN_PATH, type Kept } from "./uri-text.ts";
import { wireText } from "../http/latin1.ts";

/** What stands in a template: a text, the segment at an index, or all behind the pattern's prefix. */
export type Piece = string | { readonly segment: number } | { readonly rest: "with slash" | "bare" };

/**
 * Reads a template of a path. The answer is a string when the operator has to mend it: one sentence.
 * `/*` takes the rest with its slash, so `/v2/*` makes `/v2` of the prefix itself and `/v2/x` of what is below.
 */
export function readPathTemplate(template: string, pattern: Pattern): readonly Piece[] | string {
  if (!template.startsWith("/")) return `The path \`${template}\` does not begin with "/".`;
  if (/[?#]/.test(template)) return `The path \`${template}\` holds a query or a fragment.`;
  const pieces: Piece[] = [];
  for (const segment of template.slice(1).split("/")) {
    if (segment === "*") {
      if (!pattern.rest) return `The \`*\` in \`${template}\` has nothing to take: the pattern does not end in "/*".`;
      pieces.push({ rest: "with slash" });
      continue;
    }
    if (segment.includes("*")) return `\`${segment}\` is no segment: "*" stands alone; write %2A for a literal "*".`;
    const names = readNames(segment, pattern, IN_PATH);
    if (typeof names === "string") return names;
    pieces.push("/", ...names);
  }
  const literal = pieces.map((piece) => (typeof piece === "string" ? piece : "x")).join("");
  if (holdsDots(literal)) return `The path \`${template}\` holds a dot segment.`;
  return joined(pieces);
}

/** Reads the names in one segment, or in a text without segments. A ":" inside it that begins no known name is itself. */
export function readNames(text: string, pattern: Pattern, keep: Kept): Piece[] | string {
  const pieces: Piece[] = [];
  let literal = "";
  for (let at = 0; at < text.length;) {
    const name = /^:([A-Za-z_][A-Za-z0-9_]*)/.exec(text.slice(at))?.[1];
    const segment =
      name === undefined ? -1 : pattern.segments.findIndex((known) => "param" in known && known.param === name);
    if (name !== undefined && segment >= 0) {
      pieces.push(literal, { segment });
      literal = "";
      at += name.length + 1;
      continue;
    }
    if (name !== undefined && at === 0) return unknownName(name, pattern);
    literal += text[at++];
  }
  pieces.push(literal);
  return pieces.map((piece) => (typeof piece === "string" ? encodeBytes(wireText(piece), keep) : piece));
}

function unknownName(name: string, pattern: Pattern): string {
  const known = pattern.names.filter((other) => other !== "*").map((other) => `\`:${other}\``);
  const has = known.length === 0 ? "has no parameters" : `has ${known.join(", ")}`;
  return `\`:${name}\` is no parameter of the pattern, which ${has}; write %3A for a literal ":".`;
}

function joined(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of pieces) {
    const last = result.length - 1;
    if (typeof piece === "string" && typeof result[last] === "string") result[last] += piece;
    else if (piece !== "") result.push(piece);
  }
  return result;
}

/** A template with what the pattern matched in `path` (raw). `encode` treats what came from the client. */
export function fillTemplate(
  pieces: readonly Piece[],
  pattern: Pattern,
  path: string,
  encode: (raw: string) => string,
): string {
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") text += piece;
    else if ("segment" in piece) text += encode(rawSegment(path, piece.segment));
    else {
      const rest = rawRest(path, pattern.segments.length);
      text += encode(piece.rest === "with slash" ? rest : rest.slice(1));
    }
  }
  return text;
}

/**
 * As {@link fillTemplate}, for a path: begins with "/". Throws `http_request_error` when pieces that were harmless alone
 * make a dot segment or an encoded NUL together, such as `%2` and `e`.
 */
export function fillPath(
  pieces: readonly Piece[],
  pattern: Pattern,
  path: string,
  encode: (raw: string) => string,
): string {
  const filled = fillTemplate(pieces, pattern, path, encode) || "/";
  if (holdsDots(filled) || filled.includes("%00")) {
    throw new GatewayError("http_request_error", "the rewritten path would hold a dot segment or an encoded NUL", {
      publicDetail: "The path cannot be rewritten safely.",
    });
  }
  return filled;
}
