// An authorization server whose introspection endpoint does with each token what the test says.
import { type OriginExchange, plain } from "./origin-exchange.ts";

/** What is done about a token: an object is the answer's JSON; a function does as it likes. */
export type Reaction = object | ((x: OriginExchange) => Promise<unknown> | unknown);

/** An answer of JSON. */
export function jsonAnswer(value: unknown, head = "HTTP/1.1 200 OK\r\n"): string {
  return plain(JSON.stringify(value), `${head}Content-Type: application/json\r\n`);
}

/** The endpoint. It demands the credentials of the client and the form of RFC 7662, and answers 400 to all else. */
export class TokenEndpoint {
  /** Tokens it was asked about, in order. */
  readonly asked: string[] = [];
  /** What it does about each token; the others are not active. */
  readonly about = new Map<string, Reaction>();
  readonly #authorization: string;

  constructor(clientId: string, clientSecret: string) {
    this.#authorization = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
  }

  /** The behaviour of the origin. */
  readonly behaviour = async (x: OriginExchange): Promise<void> => {
    const { method, fields } = x.request;
    const form = new URLSearchParams((await x.body()).toString());
    const token = form.get("token");
    const isRight =
      method === "POST" &&
      token !== null &&
      form.get("token_type_hint") === "access_token" &&
      fields.one("content-type") === "application/x-www-form-urlencoded" &&
      fields.one("accept") === "application/json";
    if (!isRight) return void (await x.send(jsonAnswer({ error: "invalid_request" }, "HTTP/1.1 400 Bad Request\r\n")));
    if (fields.one("authorization") !== this.#authorization) {
      return void (await x.send(jsonAnswer({ error: "invalid_client" }, "HTTP/1.1 401 Unauthorized\r\n")));
    }
    this.asked.push(token);
    const reaction = this.about.get(token) ?? { active: false };
    if (typeof reaction === "function") await (reaction as (x: OriginExchange) => unknown)(x);
    else await x.send(jsonAnswer(reaction));
  };
}
