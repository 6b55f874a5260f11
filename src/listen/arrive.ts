// What is settled first of an exchange: who asks, its id, its path.
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { readTarget } from "../http/target.ts";
import type { Platform } from "../platform.ts";
import { clientAddress } from "./client-address.ts";

/** A request id from a trusted proxy is kept when it looks like this. Logs write it as it is: nothing in it may need escaping. */
export const REQUEST_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** Settles who asks, and by which id the exchange is known. */
export function identify(x: Exchange, isTrusted: ((address: string) => boolean) | undefined, platform: Platform): void {
  if (isTrusted !== undefined) {
    const { client, trusted } = clientAddress(isTrusted, x.peer, x.fields);
    x.client = client;
    x.trusted = trusted;
    const id = trusted ? x.fields.joined("x-request-id") : undefined;
    if (id !== undefined && REQUEST_ID.test(id)) {
      x.id = id;
      return;
    }
  }
  x.id = platform.ids.next();
}

/** Settles the path that is matched, recorded and forwarded. @throws GatewayError for a target that is none */
export function readPath(x: Exchange): void {
  if (x.target === "*") {
    x.path = "*";
    return;
  }
  const target = readTarget(x.target);
  if (typeof target === "string") throw new GatewayError("http_request_error", target, { publicDetail: target });
  x.path = target.path;
  x.query = target.query;
}
