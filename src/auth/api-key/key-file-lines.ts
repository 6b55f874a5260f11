// A consumer of a key file, read line by line: the part of YAML that has one meaning whatever stands around it.
import type { WrittenKey, WrittenText } from "./key-book.ts";

const END = " *(?: #.*)?$";
const HASH = "sha256:[0-9A-Fa-f]{64}";
const ID = String.raw`\w[\w.-]*`;
const TIME = String.raw`\d{4}-\d{2}-\d{2}(?:T[\d:.]*\d(?:Z|[+-]\d{2}:\d{2}))?`;
const GROUP = String.raw`\w[\w./@-]*`;

/** A text in double quotes, in single quotes, or in none. */
const quoted = (text: string): string => `(?:"(${text})"|'(${text})'|(${text}))`;

const NAME_LINE = new RegExp(`^ +([A-Za-z0-9][\\w.-]*):${END}`);
const GROUPS_LINE = new RegExp(`^ +groups: +\\[ *(${GROUP}(?: *, *${GROUP})*)? *\\]${END}`);
const KEYS_LINE = new RegExp(`^ +keys:${END}`);
const HASH_LINE = new RegExp(`^ +- +${quoted(HASH)}${END}`);
const KEY_LINE = new RegExp(
  `^ +- +\\{ *hash: +${quoted(HASH)}(?: *, *expires: +${quoted(TIME)})?(?: *, *id: +${quoted(ID)})? *\\}${END}`,
);

/** How far a line is indented; undefined when it is blank or a comment. */
export function indentOf(line: string): number | undefined {
  let depth = 0;
  while (line.charCodeAt(depth) === 0x20) depth++;
  return depth === line.length || line.charCodeAt(depth) === 0x23 ? undefined : depth;
}

/**
 * The lines of one consumer:
 * ```yaml
 *   acme:
 *     groups: [partner]
 *     keys:
 *       - "sha256:…"
 *       - { hash: "sha256:…", expires: "2027-01-31", id: old }
 * ```
 */
export class ConsumerLines {
  /** Index in the text at which they begin. */
  readonly start: number;
  readonly name: WrittenText;
  readonly keys: WrittenKey[] = [];
  groups: readonly WrittenText[] | undefined = undefined;
  /** Indent of `groups` and `keys`, and of the keys: 0 as long as there are none. */
  #inner = 0;
  #item = 0;
  /** Whether the last option was `keys`. */
  #inKeys = false;
  #hasKeys = false;
  #strange: boolean;

  /** @param first the line with the name, for which {@link begins} holds */
  constructor(first: string, start: number) {
    const name = NAME_LINE.exec(first)?.[1];
    this.start = start;
    this.#strange = name === undefined;
    this.name = { text: name ?? "", at: start + first.search(/\S/) };
  }

  /** Whether a line at the indent of consumers names one. What else may stand there no part of the file can be cut at. */
  static begins(line: string): boolean {
    return /^ +["'\w]/.test(line);
  }

  /** Whether all lines were understood. Otherwise nothing of what was read counts. */
  get isPlain(): boolean {
    const complete = this.#hasKeys ? this.keys.length > 0 : this.groups !== undefined;
    return !this.#strange && complete;
  }

  /** The next line that is neither blank nor a comment. */
  take(line: string, at: number): void {
    if (this.#strange) return;
    const depth = indentOf(line) ?? 0;
    if (this.#inKeys && line.charCodeAt(depth) === 0x2d) this.#takeKey(line, at, depth);
    else this.#takeOption(line, at, depth);
  }

  #takeKey(line: string, at: number, depth: number): void {
    if (this.#item === 0 && depth >= this.#inner) this.#item = depth;
    const short = HASH_LINE.exec(line);
    const [, a, b, c, ...rest] = short ?? KEY_LINE.exec(line) ?? [];
    const hash = a ?? b ?? c;
    this.#strange = depth !== this.#item || hash === undefined;
    if (hash === undefined) return;
    const expires = rest[0] ?? rest[1] ?? rest[2];
    const id = rest[3] ?? rest[4] ?? rest[5];
    this.keys.push({ hash, expires, id, at: at + depth + 2 });
  }

  #takeOption(line: string, at: number, depth: number): void {
    if (this.#inner === 0) this.#inner = depth;
    const isKeys = KEYS_LINE.test(line);
    const groups = isKeys ? undefined : GROUPS_LINE.exec(line);
    const known = isKeys ? !this.#hasKeys : groups != null && this.groups === undefined;
    // `keys:` with nothing below is no list.
    const empty = this.#inKeys && this.keys.length === 0;
    this.#strange = depth !== this.#inner || !known || empty;
    this.#inKeys = isKeys;
    this.#hasKeys ||= isKeys;
    if (groups != null) this.groups = textsIn(groups[1] ?? "", at + line.indexOf("[") + 1);
  }
}

/** The members of a list in which only blanks and commas separate. */
function textsIn(list: string, from: number): WrittenText[] {
  return [...list.matchAll(/[^ ,]+/g)].map(({ 0: text, index }) => ({ text, at: from + index }));
}
