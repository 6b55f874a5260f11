// Parameters of a raw query, as forms write them (WHATWG URL, application/x-www-form-urlencoded): `?a=1&b=2`.
import { decodeSegment } from "./target.ts";

/** The text that a raw name or value stands for: `+` is a blank, escapes are decoded once. */
export function decodeForm(raw: string): string {
  return decodeSegment(raw.includes("+") ? raw.replaceAll("+", "%20") : raw);
}

/** The raw values of all parameters of this name, in order; "" for one without "=". */
export function rawParameters(query: string, name: string): string[] {
  const values: string[] = [];
  for (let from = 1; from < query.length;) {
    const end = parameterEnd(query, from);
    const nameEnd = nameEndOf(query, from, end);
    if (decodeForm(query.slice(from, nameEnd)) === name) values.push(query.slice(Math.min(nameEnd + 1, end), end));
    from = end + 1;
  }
  return values;
}

/** The names of all parameters, in order, decoded. */
export function parameterNames(query: string): string[] {
  const names: string[] = [];
  for (let from = 1; from < query.length;) {
    const end = parameterEnd(query, from);
    if (end > from) names.push(decodeForm(query.slice(from, nameEndOf(query, from, end))));
    from = end + 1;
  }
  return names;
}

/**
 * The query without the parameters of these names: each goes with one "&" beside it, and no other byte changes. "" when
 * nothing is left.
 */
export function withoutParameters(query: string, names: readonly string[]): string {
  let kept: string | undefined;
  let from = 1;
  /** Where the piece begins that is kept as it is, its separator included. */
  let pieceAt = 0;
  while (from < query.length) {
    const end = parameterEnd(query, from);
    if (names.includes(decodeForm(query.slice(from, nameEndOf(query, from, end))))) {
      kept = (kept ?? "") + query.slice(pieceAt, from - 1);
      pieceAt = end;
    }
    from = end + 1;
  }
  if (kept === undefined) return query;
  kept += query.slice(pieceAt);
  // The first parameter went: what followed its "&" is now the beginning.
  return kept.startsWith("&") ? `?${kept.slice(1)}` : kept;
}

function parameterEnd(query: string, from: number): number {
  const ampersand = query.indexOf("&", from);
  return ampersand < 0 ? query.length : ampersand;
}

function nameEndOf(query: string, from: number, end: number): number {
  const equals = query.indexOf("=", from);
  return equals < 0 || equals > end ? end : equals;
}
