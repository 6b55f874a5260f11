// Where an API key stands in a request. Which of two keys was meant is never guessed.
import type { ApiKeyPlan } from "../../config/auth/api-key.ts";
import { GatewayError } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { rawParameters } from "../../http/query.ts";
import { decodeBytes } from "../../http/target.ts";
import { bearerToken } from "../bearer.ts";

/** What was shown, and where: a key, or `malformed_credentials`. */
export interface Shown {
  readonly key: string | GatewayError;
  readonly place: KeyPlace;
}

/** Where keys may stand, in the order in which they are looked for. */
export type KeyPlace = "header" | "bearer" | "query";

/** Printable ASCII without a comma, which joins the lines of a field. */
const KEY = /^[!-+\--~]+$/;

/**
 * The key of a request: of the first place that has one. Undefined when none has; an empty value is none. It is
 * `malformed_credentials` when that place holds several, or what no key can be.
 */
export function shownKey(x: Exchange, { header, bearer, query }: ApiKeyPlan): Shown | undefined {
  if (header !== undefined) {
    const key = inHeader(x, header);
    if (key !== undefined) return { key, place: "header" };
  }
  if (bearer) {
    const key = bearerToken(x.fields);
    if (key !== undefined) return { key, place: "bearer" };
  }
  if (query !== undefined && x.query !== "") {
    const key = inQuery(x.query, query);
    if (key !== undefined) return { key, place: "query" };
  }
  return undefined;
}

function inHeader(x: Exchange, header: string): string | GatewayError | undefined {
  const { keys, values } = x.fields;
  const at = keys.indexOf(header);
  if (at < 0) return undefined;
  if (keys.indexOf(header, at + 1) >= 0) return malformed(`the field ${header} stands there more than once`);
  const key = values[at]!;
  if (key === "") return undefined;
  return KEY.test(key) ? key : malformed(`the field ${header} holds what no API key may have, or several keys`);
}

function inQuery(query: string, name: string): string | GatewayError | undefined {
  const values = rawParameters(query, name);
  if (values.length === 0) return undefined;
  if (values.length > 1) return malformed(`the parameter ${name} stands there more than once`);
  const raw = values[0]!;
  if (raw === "") return undefined;
  // To some servers a "+" is a blank, to others it is itself.
  if (raw.includes("+")) return malformed(`the parameter ${name} holds a "+": one that belongs to the key is %2B`);
  const key = decodeBytes(raw);
  return KEY.test(key) ? key : malformed(`the parameter ${name} holds what no API key may have`);
}

function malformed(why: string): GatewayError {
  return new GatewayError("malformed_credentials", why, { publicDetail: "The API key is malformed." });
}
