// Text inside a JSON string, made safe by hand: nothing a client sends can end the string or the line.

/** All that may stand in a line as it is: printable ASCII but the quote and the backslash. */
const UNSAFE = /[^ !#-[\]-~]/;
const UNSAFE_ALL = /[^ !#-[\]-~]/g;

/** Stands at the end of a text that was cut: an ellipsis. No field of a client can hold it, its characters are bytes. */
const CUT = "\\u2026";

/** Whether it may stand in a JSON string as it is. */
export function isPlain(text: string): boolean {
  return !UNSAFE.test(text);
}

/**
 * The inside of a JSON string (RFC 8259 section 7) in printable ASCII. Everything else is escaped: controls, quotes,
 * backslashes, and every character from U+007F on, lone surrogates included. In text from the wire one character is one
 * byte, so the byte E9 is written `\u00e9`.
 * Text longer than `most` characters is cut and ends with U+2026.
 */
export function jsonText(text: string, most: number): string {
  if (text.length > most) return escaped(text.slice(0, most)) + CUT;
  return UNSAFE.test(text) ? escaped(text) : text;
}

function escaped(text: string): string {
  return text.replace(UNSAFE_ALL, escapedUnit);
}

function escapedUnit(unit: string): string {
  if (unit === '"') return '\\"';
  if (unit === "\\") return "\\\\";
  return "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
}
