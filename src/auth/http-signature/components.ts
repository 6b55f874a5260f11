// The parts of a request that a signature may cover, and their values (RFC 9421 section 2). Text is latin1: bytes.
import {
  type BareItem,
  isInnerList,
  type Parameters,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeItem,
  serializeInnerList,
  serializeList,
} from "structured-headers";
import type { Exchange } from "../../exchange.ts";
import { HOP_BY_HOP, tokens } from "../../http/fields.ts";

/** Why a covered component has no value: the signature asks for what cannot be, or the request lacks it. */
export class Uncovered extends Error {
  override readonly name = "Uncovered";
  readonly kind: "malformed" | "missing";

  constructor(kind: Uncovered["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Under which scheme and authority the client knows the gateway. */
export interface PublicOrigin {
  readonly scheme: string;
  /** Lower case, without the scheme's own port (RFC 9110 section 4.2.3). */
  readonly authority: string;
}

/**
 * The value of a component (RFC 9421 sections 2.1, 2.2). Raw bytes: nothing is decoded or resolved but what the RFC says.
 * @throws Uncovered
 */
export function componentValue(name: string, parameters: Parameters, x: Exchange, origin: PublicOrigin): string {
  if (name.startsWith("@")) return derivedValue(name, parameters, x, origin);
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
    throw new Uncovered("malformed", `"${name}" is not the lower-case name of a field`);
  }
  return fieldValue(name, parameters, x);
}

function derivedValue(name: string, parameters: Parameters, x: Exchange, { scheme, authority }: PublicOrigin): string {
  const { target } = x;
  const queryAt = target.indexOf("?");
  for (const parameter of parameters.keys()) {
    if (parameter !== "name" || name !== "@query-param") throw unsupported(name, parameter);
  }
  switch (name) {
    case "@method":
      return x.method;
    case "@scheme":
      return scheme;
    case "@authority":
      return authority;
    case "@target-uri":
      return `${scheme}://${authority}${target}`;
    case "@request-target":
      return target;
    case "@path":
      return queryAt < 0 ? target : target.slice(0, queryAt);
    case "@query":
      // A request without a query has an empty one here (section 2.2.7).
      return queryAt < 0 ? "?" : target.slice(queryAt);
    case "@query-param":
      return queryParameter(queryAt < 0 ? "" : target.slice(queryAt + 1), parameters.get("name"));
    default:
      throw new Uncovered("malformed", `"${name}" is no component of a request`);
  }
}

/** Section 2.2.8: parsed as a form, encoded anew. A name that stands twice has no value. */
function queryParameter(query: string, name: BareItem | undefined): string {
  if (typeof name !== "string") throw new Uncovered("malformed", '"@query-param" needs a name');
  // A form is UTF-8: raw bytes above 0x7f are those of an escape.
  const escaped = query.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
  const found = [...new URLSearchParams(escaped)].filter(([each]) => formEncoded(each) === name);
  if (found.length === 0) throw new Uncovered("missing", `the query has no parameter ${JSON.stringify(name)}`);
  const value = found[0]![1];
  if (found.length > 1) throw new Uncovered("malformed", `the query has ${found.length} parameters of one name`);
  // Different bytes that are no UTF-8 would look alike.
  if (`${name}${formEncoded(value)}`.includes("%EF%BF%BD")) {
    throw new Uncovered("malformed", "a covered parameter of the query is not UTF-8");
  }
  return formEncoded(value);
}

/** The percent-encode set of application/x-www-form-urlencoded (URL standard, section 1.3), a space as %20. */
function formEncoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function fieldValue(name: string, parameters: Parameters, x: Exchange): string {
  for (const parameter of parameters.keys()) {
    if (!["sf", "bs", "key"].includes(parameter)) throw unsupported(name, parameter);
  }
  const lines = x.fields.all(name).map(trimmed);
  if (lines.length === 0) throw new Uncovered("missing", `the request has no field ${name}`);
  if (endsHere(name, x))
    throw new Uncovered("missing", `Connection names the field ${name}, which would not be forwarded`);
  const [sf, bs, key] = [parameters.get("sf"), parameters.get("bs"), parameters.get("key")];
  for (const flag of [sf, bs]) {
    if (flag !== undefined && flag !== true) throw new Uncovered("malformed", `"${name}": sf and bs have no value`);
  }
  if (bs === true) {
    if (sf === true || key !== undefined) throw new Uncovered("malformed", `"${name}": bs stands alone`);
    return lines.map((line) => `:${btoa(line)}:`).join(", ");
  }
  const value = lines.join(", ");
  if (key !== undefined) return memberOf(name, value, key);
  return sf === true ? strictly(name, value) : value;
}

/**
 * Whether somebody on the way has named the field in `Connection`: the upstream would be shown a signature that covers it,
 * and not the field. Those that end at every hop are no loss.
 */
function endsHere(name: string, { fields }: Exchange): boolean {
  return !HOP_BY_HOP.has(name) && tokens(fields.joined("connection") ?? "").includes(name);
}

/** Section 2.1.2: one member of a dictionary. */
function memberOf(name: string, value: string, key: BareItem): string {
  if (typeof key !== "string") throw new Uncovered("malformed", `"${name}": key has no name`);
  const member = reading(name, () => parseDictionary(value)).get(key);
  if (member === undefined) throw new Uncovered("missing", `the field ${name} has no member ${JSON.stringify(key)}`);
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
}

/** Section 2.1.1: a structured field, serialized anew. Only for fields whose type is known here. */
function strictly(name: string, value: string): string {
  const type = STRUCTURED[name];
  if (type === undefined)
    throw new Uncovered("malformed", `"${name}": its structure is not known here, so sf cannot be read`);
  return reading(name, () => {
    if (type === "dictionary") return serializeDictionary(parseDictionary(value));
    return type === "list" ? serializeList(parseList(value)) : serializeItem(parseItem(value));
  });
}

const STRUCTURED: Readonly<Record<string, "dictionary" | "list" | "item">> = {
  "accept-signature": "dictionary",
  "content-digest": "dictionary",
  priority: "dictionary",
  "repr-digest": "dictionary",
  signature: "dictionary",
  "signature-input": "dictionary",
  "want-content-digest": "dictionary",
  "want-repr-digest": "dictionary",
  "cache-status": "list",
  "client-cert-chain": "list",
  "proxy-status": "list",
  "client-cert": "item",
};

function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw new Uncovered("malformed", `the field ${name} is not what its structure says`);
  }
}

function unsupported(name: string, parameter: string): Uncovered {
  return new Uncovered("malformed", `"${name}" with the parameter ${parameter} is not supported`);
}

/** Section 2.1, steps 2 and 3: no blanks at the ends, folded lines as one. */
function trimmed(value: string): string {
  return value.replace(/[\t ]*\r?\n[\t ]+/g, " ").replace(/^[\t ]+|[\t ]+$/g, "");
}
