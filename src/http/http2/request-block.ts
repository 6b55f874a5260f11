// A request as its field blocks tell it: pseudo-fields and fields, by the rules of RFC 9113 section 8.3.1. Pure.
import type { Fields } from "../fields.ts";
import { Malformed, SP, isToken, readLength } from "../message.ts";
import { FieldBlock, syntax } from "./field-block.ts";

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

/** Takes the fields of a request's head, or its trailers. */
export class RequestBlock extends FieldBlock {
  readonly #pseudo: Partial<Record<Pseudo, string>> = {};
  #cookieAt = -1;
  #length: string | undefined = undefined;

  protected override takeField(name: string, value: string): string | undefined {
    const { values } = this.fields;
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
        this.#cookieAt = values.length;
        break;
    }
    return super.takeField(name, value);
  }

  protected override takePseudo(name: string, value: string): string | undefined {
    if (!isPseudo(name)) return "a pseudo-field is unknown";
    if (this.#pseudo[name] !== undefined) return `the pseudo-field ${name} stands twice`;
    this.#pseudo[name] = value;
    return undefined;
  }

  /** The head, once the block has come whole. @throws Malformed, of the kind "syntax", "size" or "target-size" */
  head(): BlockHead {
    this.refuse();
    const { ":method": method, ":scheme": scheme, ":path": path = "" } = this.#pseudo;
    if (method === undefined || !isToken(method)) throw syntax("the pseudo-field :method is missing or no token");
    if (path.length > this.limits.maxTarget) {
      throw new Malformed("target-size", `the pseudo-field :path is over ${this.limits.maxTarget} bytes`);
    }
    if (method === "CONNECT") {
      if (scheme !== undefined || path !== "") throw syntax("CONNECT has a :scheme or a :path");
    } else if (scheme === undefined || !/^https?$/i.test(scheme)) {
      throw syntax("the pseudo-field :scheme is neither http nor https");
    } else if (!isTarget(path, method))
      throw syntax('the pseudo-field :path does not begin with "/" or holds white space');
    return { method, target: path, fields: this.#withHost(), length: this.#readLength() };
  }

  /** What HTTP/1.1 needs behind us, and what everybody here reads (RFC 9113 section 8.3.1). */
  #withHost(): Fields {
    const authority = this.#pseudo[":authority"];
    const fields = this.fields;
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
