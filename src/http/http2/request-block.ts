// A request as its field blocks tell it: pseudo-fields and fields, by the rules of RFC 9113 section 8. Pure.
import { isForbiddenTrailer } from "../framing.ts";
import { Fields } from "../fields.ts";
import { type HeadLimits, Malformed, SP, isToken, readLength } from "../message.ts";
import { type BlockField, NAME_FAULT, sizeOf } from "./hpack-table.ts";

/** Fields of one connection have no meaning here, and would have one behind us (RFC 9113 section 8.2.2). */
const OF_CONNECTIONS: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

type Pseudo = ":method" | ":scheme" | ":authority" | ":path";

/** What the head of a request says. */
export interface BlockHead {
  readonly method: string;
  /** Begins with "/", or is "*" of OPTIONS; "" of CONNECT. Visible bytes only. */
  readonly target: string;
  /** As they came, lower case; a Host field in their front stands for `:authority`, crumbs of cookies are joined. */
  readonly fields: Fields;
  /** What Content-Length says. */
  readonly length: number | undefined;
}

/**
 * Takes the fields of one block. What is wrong is remembered, for the block must be decoded to its end; beyond the bounds
 * nothing more is kept.
 */
export class RequestBlock {
  readonly #limits: HeadLimits;
  readonly #isTrailer: boolean;
  readonly #pseudo: Partial<Record<Pseudo, string>> = {};
  readonly #fields = new Fields();
  #malformed: string | undefined = undefined;
  #isTooLarge = false;
  #size = 0;
  #cookieAt = -1;
  #length: string | undefined = undefined;

  /** @param isTrailer whether it is the second block of a stream */
  constructor(limits: HeadLimits, isTrailer: boolean) {
    this.#limits = limits;
    this.#isTrailer = isTrailer;
  }

  /** Takes a field. */
  readonly take = (field: BlockField): void => {
    this.#size += sizeOf(field);
    if (this.#isTooLarge || this.#malformed !== undefined) return;
    if (this.#size > this.#limits.maxHead || this.#fields.size >= this.#limits.maxFields) {
      this.#isTooLarge = true;
      return;
    }
    this.#malformed = field.faults === 0 ? this.#judge(field) : faultOf(field);
  };

  /** Takes a field that may be in HTTP; tells what is wrong with it at its place. */
  #judge({ name, value }: BlockField): string | undefined {
    if (name.charCodeAt(0) === 58) return this.#takePseudo(name, value);
    if (OF_CONNECTIONS.has(name)) return `the field ${name} is of HTTP/1.1 connections`;
    const { names, keys, values } = this.#fields;
    switch (name) {
      case "te":
        if (value.toLowerCase() !== "trailers") return "the field te says other than trailers";
        break;
      case "content-length":
        if (this.#length !== undefined) return "content-length stands twice";
        this.#length = value;
        break;
      case "cookie":
        // RFC 9113 section 8.2.3: crumbs are one field for whoever reads them without HTTP/2.
        if (this.#cookieAt >= 0) {
          values[this.#cookieAt] += `; ${value}`;
          return undefined;
        }
        this.#cookieAt = names.length;
        break;
    }
    names.push(name);
    keys.push(name);
    values.push(value);
    return undefined;
  }

  #takePseudo(name: string, value: string): string | undefined {
    if (this.#isTrailer) return "a trailer is a pseudo-field";
    if (this.#fields.size > 0) return "a pseudo-field stands behind a field";
    if (!isPseudo(name)) return "a pseudo-field is unknown";
    if (this.#pseudo[name] !== undefined) return `the pseudo-field ${name} stands twice`;
    this.#pseudo[name] = value;
    return undefined;
  }

  /** The head, once the block has come whole. @throws Malformed, of the kind "syntax", "size" or "target-size" */
  head(): BlockHead {
    this.#refuse();
    const { ":method": method, ":scheme": scheme, ":path": path = "" } = this.#pseudo;
    if (method === undefined || !isToken(method)) throw syntax("the pseudo-field :method is missing or no token");
    if (path.length > this.#limits.maxTarget) {
      throw new Malformed("target-size", `the pseudo-field :path is over ${this.#limits.maxTarget} bytes`);
    }
    if (method === "CONNECT") {
      if (scheme !== undefined || path !== "") throw syntax("CONNECT has a :scheme or a :path");
    } else if (scheme === undefined || !/^https?$/i.test(scheme)) {
      throw syntax("the pseudo-field :scheme is neither http nor https");
    } else if (!isTarget(path, method))
      throw syntax('the pseudo-field :path does not begin with "/" or holds white space');
    return { method, target: path, fields: this.#withHost(), length: this.#readLength() };
  }

  /** Trailer fields that may be passed on, if there are any. @throws Malformed */
  trailers(): Fields | undefined {
    this.#refuse();
    for (const key of new Set(this.#fields.keys)) if (isForbiddenTrailer(key)) this.#fields.delete(key);
    return this.#fields.size > 0 ? this.#fields : undefined;
  }

  #refuse(): void {
    if (this.#malformed !== undefined) throw syntax(this.#malformed);
    if (this.#isTooLarge) throw new Malformed("size", "the head is too large");
  }

  /** What HTTP/1.1 needs behind us, and what everybody here reads (RFC 9113 section 8.3.1). */
  #withHost(): Fields {
    const authority = this.#pseudo[":authority"];
    const fields = this.#fields;
    if (authority === undefined) return fields;
    const host = fields.joined("host");
    if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
      throw syntax("the Host field is another than :authority");
    }
    fields.delete("host");
    fields.names.unshift("host");
    fields.keys.unshift("host");
    fields.values.unshift(authority);
    return fields;
  }

  #readLength(): number | undefined {
    return this.#length === undefined ? undefined : readLength(this.#length);
  }
}

function faultOf({ faults }: BlockField): string {
  return (faults & NAME_FAULT) === 0
    ? "a field value holds a control character, or white space at an end"
    : "a field name is empty, or holds what is no lower-case token";
}

function isPseudo(name: string): name is Pseudo {
  return name === ":method" || name === ":scheme" || name === ":authority" || name === ":path";
}

/** RFC 9113 section 8.3.1: an absolute path, or "*" of OPTIONS. */
function isTarget(path: string, method: string): boolean {
  if (path === "*") return method === "OPTIONS";
  if (path.charCodeAt(0) !== 47) return false;
  // Values hold no control characters but the tab.
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) <= SP) return false;
  return true;
}

function syntax(message: string): Malformed {
  return new Malformed("syntax", message);
}
