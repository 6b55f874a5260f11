// Exchanges of callers for the tests of policies.
import type { Identity } from "../../src/config/auth/options.ts";
import { Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";

/** An identity of the scheme "token". */
export function identity(is: Partial<Identity> = {}): Identity {
  return { scheme: "token", consumer: undefined, subject: "s-1", scopes: [], claims: {}, fields: [], ...is };
}

/** An exchange in which this identity, if any, calls. */
export function callOf(
  who: Identity | undefined,
  is: { method?: string; client?: string; fields?: [string, string][] } = {},
): Exchange {
  const x = new Exchange(
    {
      method: is.method ?? "GET",
      target: "/things/7",
      scheme: "http",
      authority: "gw.test",
      version: "1.1",
      fields: Fields.of(["Host", "gw.test"], ...(is.fields ?? [])),
      content: null,
      peer: is.client ?? "192.0.2.1",
    },
    0,
  );
  x.path = "/things/7";
  x.id = "id-1";
  x.identity = who;
  return x;
}
