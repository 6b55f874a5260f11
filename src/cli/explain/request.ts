// The request that the command line asks about, written as curl takes it, and read as a listener reads it.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { ListenPlan } from "../../config/plan.ts";
import { type GatewayError, messageOf } from "../../errors.ts";
import type { Arrival } from "../../exchange.ts";
import { normalAddress } from "../../http/ip.ts";
import { latin1Bytes, wireText } from "../../http/latin1.ts";
import { type HeadLimits, isToken, Malformed } from "../../http/message.ts";
import { readRequestHead } from "../../http/request-head.ts";
import { admit, refusalOf } from "../../listen/admit.ts";
import { headLimits } from "../../listen/listener.ts";
import { systemCode, usageError } from "../exit.ts";

/** A request, as it was asked about. */
export interface AskedRequest {
  readonly method: string;
  /** Whether by https; undefined: only a path was named, and it comes as clients of the listener come. */
  readonly secure: boolean | undefined;
  readonly authority: string;
  /** Path and query, as the command line has them. */
  readonly target: string;
  /** Fields behind `Host`, as the command line has them. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly content: Uint8Array | undefined;
  /** The address of the connection's other end. */
  readonly from: string;
}

/** What the words behind `explain` say. */
export interface Asked {
  readonly request: AskedRequest;
  readonly config: string | undefined;
  readonly json: boolean;
}

/** Reads the words. They have been held against the flags that there are. @throws Refusal (64) */
export function readAsked(raw: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...raw],
    allowPositionals: true,
    options: {
      header: { type: "string", short: "H", multiple: true },
      request: { type: "string", short: "X" },
      data: { type: "string", short: "d" },
      from: { type: "string" },
      config: { type: "string" },
      json: { type: "boolean" },
    },
  });
  const url = positionals.at(-1);
  if (url === undefined)
    throw usageError("Name a URL.", "For example: sluice explain GET https://api.example.com/orders");
  const method = (positionals.length > 1 ? positionals[0] : undefined) ?? values.request;
  if (positionals.length > 1 && values.request !== undefined) throw usageError("The method is given twice.");
  const content = values.data === undefined ? undefined : contentOf(values.data);
  const fields = (values.header ?? []).map(readField);
  return {
    request: {
      ...readUrl(url),
      method: readMethod(method ?? (content === undefined ? "GET" : "POST")),
      fields: [...fields, ...contentFields(content, fields)],
      content,
      from: readFrom(values.from ?? "127.0.0.1"),
    },
    config: values.config,
    json: values.json === true,
  };
}

function readMethod(method: string): string {
  if (!isToken(method)) throw usageError(`"${method}" is no method.`);
  // A known method in lower case is a slip of the hand: methods are told apart by case (RFC 9110 section 9.1).
  return /^(?:get|head|post|put|patch|delete|options)$/.test(method) ? method.toUpperCase() : method;
}

function readUrl(url: string): Pick<AskedRequest, "secure" | "authority" | "target"> {
  const parts = /^(?:(https?):\/\/([^/?#\s]+))?([/?][^#\s]*)?(?:#.*)?$/i.exec(url);
  if (parts === null || (parts[2] === undefined && !url.startsWith("/")))
    throw usageError(`"${url}" is neither a URL nor a path.`, hintFor(url));
  const [, scheme, authority = "localhost", target = "/"] = parts;
  return {
    secure: scheme === undefined ? undefined : scheme.toLowerCase() === "https",
    authority,
    target: target.startsWith("/") ? target : `/${target}`,
  };
}

function hintFor(url: string): string {
  if (/^[a-z]+$/i.test(url)) return "Behind the method stands a URL.";
  const isHost = /^[\w.-]+(?::\d+)?(?:[/?#]\S*)?$/.test(url);
  return isHost ? `Did you mean http://${url}?` : "For example: https://api.example.com/orders";
}

function readField(written: string): readonly [name: string, value: string] {
  const colon = written.indexOf(":");
  const name = colon < 0 ? written.replace(/;$/, "") : written.slice(0, colon);
  if (!isToken(name))
    throw usageError("-H takes a field: its name, a colon, its value.", "For example: -H 'x-api-key: …'");
  return [name, colon < 0 ? "" : written.slice(colon + 1).trim()];
}

function contentOf(data: string): Uint8Array {
  if (!data.startsWith("@")) return new TextEncoder().encode(data);
  try {
    return readFileSync(data.slice(1));
  } catch (error) {
    throw usageError(`${data.slice(1)} cannot be read (${systemCode(error) || messageOf(error)}).`);
  }
}

/** What curl says of content by itself. */
function contentFields(content: Uint8Array | undefined, fields: AskedRequest["fields"]): AskedRequest["fields"] {
  const has = (key: string): boolean => fields.some(([name]) => name.toLowerCase() === key);
  if (content === undefined) return [];
  const type = has("content-type") ? [] : [["Content-Type", "application/x-www-form-urlencoded"] as const];
  const length =
    has("content-length") || has("transfer-encoding") ? [] : [["Content-Length", String(content.length)] as const];
  return [...type, ...length];
}

function readFrom(from: string): string {
  if (normalAddress(from) === undefined) throw usageError(`--from is an IP address, not "${from}".`);
  return normalAddress(from)!;
}

/** The request as this listener would take it, or refuse it. */
export function arrivalOf(request: AskedRequest, listen: ListenPlan): Arrival | GatewayError {
  const { target, fields, secure = listen.tls !== undefined } = request;
  const onWire = fields.map(([name, value]) => [name, wireText(value)] as const);
  return arrivalOnWire({ ...request, secure, target: wireText(target), fields: onWire }, headLimits(listen));
}

/** The arrival of a request whose characters are bytes of the wire. */
export function arrivalOnWire(
  request: AskedRequest & { readonly secure: boolean },
  limits: HeadLimits,
): Arrival | GatewayError {
  const { method, target, authority, fields, content, secure, from } = request;
  const given = fields.some(([name]) => name.toLowerCase() === "host");
  const lines = [...(given ? [] : [["Host", authority] as const]), ...fields];
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  try {
    const head = readRequestHead(latin1Bytes(`${method} ${target} HTTP/1.1\r\n${text}\r\n`), 0, limits);
    return admit(head!, secure, from, content ?? null);
  } catch (thrown) {
    if (thrown instanceof Malformed) return refusalOf(thrown);
    throw thrown;
  }
}
