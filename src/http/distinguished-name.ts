// Distinguished names as text (RFC 4514): two spellings of one name become the same text.

/** A distinguished name that was read. */
export interface DistinguishedName {
  /**
   * The most specific part first, parts joined by ",": `CN=acme,O=Acme\, Inc.,C=DE`. Types are in capitals; a value is
   * escaped where it must be, and nowhere else. "" for a name without parts.
   */
  readonly text: string;
  /** Common names in it, not escaped, the most specific first. */
  readonly commonNames: readonly string[];
}

/** The type of an attribute: a short name, or an object identifier (RFC 4514 section 3). */
const TYPE = /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*/;

/**
 * Reads a name, also as `openssl x509 -nameopt RFC2253` prints it. Types count without case, blanks around parts do not
 * count, values count letter by letter. Undefined for what is none.
 */
export function distinguishedName(written: string): DistinguishedName | undefined {
  if (written.trim() === "") return { text: "", commonNames: [] };
  const commonNames: string[] = [];
  const parts: string[] = [];
  for (const part of splitAt(written, ",")) {
    const attributes: string[] = [];
    for (const attribute of splitAt(part, "+")) {
      const type = TYPE.exec(attribute);
      if (type === null) return undefined;
      const value = valueOf(attribute.slice(type[0].length));
      if (value === undefined) return undefined;
      const name = type[1]!.toUpperCase();
      attributes.push(`${name}=${value.shown}`);
      if ((name === "CN" || name === "2.5.4.3") && value.text !== undefined) commonNames.push(value.text);
    }
    // Attributes of one part have no order.
    parts.push(attributes.toSorted().join("+"));
  }
  return { text: parts.join(","), commonNames };
}

/** The parts between marks that are not escaped. */
function splitAt(text: string, mark: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === mark) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)];
}

interface Value {
  /** Undefined for one in hexadecimal, of which nobody here knows what it says. */
  readonly text: string | undefined;
  readonly shown: string;
}

function valueOf(written: string): Value | undefined {
  if (/^#(?:[0-9A-Fa-f]{2})+\s*$/.test(written)) return { text: undefined, shown: written.trim().toLowerCase() };
  // A blank at the end may be escaped.
  const trimmed = written.trimEnd();
  const body = /(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed) ? written.slice(0, trimmed.length + 1) : trimmed;
  const bytes: number[] = [];
  for (let i = 0; i < body.length; i++) {
    let at = body.codePointAt(i)!;
    if (at === 0x5c) {
      const pair = /^[0-9A-Fa-f]{2}/.exec(body.slice(i + 1, i + 3));
      if (pair !== null) {
        bytes.push(Number.parseInt(pair[0], 16));
        i += 2;
        continue;
      }
      if (!/^[ "#+,;<=>\\]$/.test(body[i + 1] ?? "")) return undefined;
      at = body.codePointAt(++i)!;
    } else if (/["+,;<>]/.test(body[i]!)) return undefined;
    bytes.push(...new TextEncoder().encode(String.fromCodePoint(at)));
    if (at > 0xffff) i++;
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
    return { text, shown: escaped(text) };
  } catch {
    return undefined;
  }
}

function escaped(text: string): string {
  return text
    .replace(/["+,;<>\\]/g, "\\$&")
    .replace(/[\0-\x1f\x7f]/g, (control) => `\\${control.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`)
    .replace(/^[ #]/, "\\$&")
    .replace(/ $/, (blank, at: number, all: string) => (at === 1 && all.startsWith("\\") ? blank : `\\${blank}`));
}
