// Header and trailer fields as they stood on the wire: every line, in order, in its own spelling.

/** Lower-case spellings already computed. Bounded: strangers may send names without end. */
const keyOf = new Map<string, string>();
const KEYS_KEPT = 512;

/** The lower-case form of a field name (RFC 9110 section 5.1: names are compared without case). */
export function fieldKey(name: string): string {
  const known = keyOf.get(name);
  if (known !== undefined) return known;
  const key = name.toLowerCase();
  if (keyOf.size < KEYS_KEPT && name.length <= 64) keyOf.set(name, key);
  return key;
}

/**
 * An ordered list of field lines. Values are latin1 text: one character is one byte of the wire.
 * `names[i]`, `keys[i]` (lower case) and `values[i]` are one line. Keys are what every look-up takes.
 */
export class Fields {
  readonly names: string[] = [];
  readonly keys: string[] = [];
  readonly values: string[] = [];

  /** Builds fields from name and value pairs. */
  static of(...lines: readonly (readonly [name: string, value: string])[]): Fields {
    const fields = new Fields();
    for (const [name, value] of lines) fields.add(name, value);
    return fields;
  }

  /** Copies the fields of a Web API message; `Set-Cookie` keeps its lines apart, other repeated fields arrive joined. */
  static fromHeaders(headers: Headers): Fields {
    const fields = new Fields();
    for (const [name, value] of headers) fields.add(name, value);
    return fields;
  }

  /** Number of field lines. */
  get size(): number {
    return this.names.length;
  }

  /** Appends a line. */
  add(name: string, value: string): void {
    this.names.push(name);
    this.keys.push(fieldKey(name));
    this.values.push(value);
  }

  /** Takes the last line away. */
  pop(): void {
    this.names.pop();
    this.keys.pop();
    this.values.pop();
  }

  /** Whether a line of this key exists. */
  has(key: string): boolean {
    return this.keys.includes(key);
  }

  /** The value of the first line of this key. */
  get(key: string): string | undefined {
    const at = this.keys.indexOf(key);
    return at < 0 ? undefined : this.values[at];
  }

  /** The values of all lines of this key, in order. */
  all(key: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i] === key) found.push(this.values[i]!);
    return found;
  }

  /** All lines of this key as one list (RFC 9110 section 5.3), or undefined without any. */
  joined(key: string): string | undefined {
    const at = this.keys.indexOf(key);
    if (at < 0) return undefined;
    return this.keys.indexOf(key, at + 1) < 0 ? this.values[at] : this.all(key).join(", ");
  }

  /** Puts one line in place of all lines of that name. */
  set(name: string, value: string): void {
    this.delete(fieldKey(name));
    this.add(name, value);
  }

  /** Removes all lines of this key. */
  delete(key: string): void {
    for (let i = this.keys.length - 1; i >= 0; i--) {
      if (this.keys[i] !== key) continue;
      this.names.splice(i, 1);
      this.keys.splice(i, 1);
      this.values.splice(i, 1);
    }
  }

  /** Removes all lines that some servers would read as one of these names, which are in the form of {@link plainName}. */
  deleteAliases(plainNames: ReadonlySet<string>): void {
    for (const key of new Set(this.keys)) if (plainNames.has(plainName(key))) this.delete(key);
  }

  /** As a Web API Headers object. */
  toHeaders(): Headers {
    const headers = new Headers();
    for (let i = 0; i < this.names.length; i++) headers.append(this.names[i]!, this.values[i]!);
    return headers;
  }

  *[Symbol.iterator](): Generator<[name: string, value: string]> {
    for (let i = 0; i < this.names.length; i++) yield [this.names[i]!, this.values[i]!];
  }
}

/** A lower-case name as CGI-like servers read it, to which `_` and `.` are `-`. */
export function plainName(key: string): string {
  return key.replace(/[_.]/g, "-");
}

/** Fields that end at the next hop, whichever way the message goes (RFC 9110 section 7.6.1, 11.7; case GW-07). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
]);

/**
 * What is said of a client by whoever stands before it, in the form of {@link plainName}: nobody believes it of the client
 * itself (case GW-08). The text of a RegExp, for those who add names of their own.
 */
export const SAID_OF_CLIENTS =
  "x-forwarded-.*|forwarded|x-real-ip|x-client-ip|cf-connecting-ip|true-client-ip|client-cert(?:-chain)?";

/** The members of a comma-separated list of tokens, lower case. */
export function tokens(list: string): string[] {
  const found: string[] = [];
  for (const part of list.split(",")) {
    // Not trim(): it takes more bytes for white space than HTTP does (RFC 9110 section 5.6.3).
    const token = part.replace(/^[\t ]+|[\t ]+$/g, "").toLowerCase();
    if (token !== "") found.push(token);
  }
  return found;
}
