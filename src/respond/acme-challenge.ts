// What an authority is answered that asks whether a host is ours (ACME's http-01, RFC 8555 section 8.3).
import { type Answer, answerOfBytes, type Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import type { Issued } from "../issued.ts";

const FOLDER = "/.well-known/acme-challenge/";

/** Answers for tokens that are pending; undefined for all else, which goes on as if nothing had been asked. */
export function challengeAnswer(issued: Issued): (x: Exchange) => Answer | undefined {
  return ({ path, method }) => {
    if (!path.startsWith(FOLDER) || (method !== "GET" && method !== "HEAD")) return undefined;
    const answer = issued.state.answers.get(path.slice(FOLDER.length));
    if (answer === undefined) return undefined;
    const fields = Fields.of(["Content-Type", "application/octet-stream"], ["Cache-Control", "no-store"]);
    return answerOfBytes(method, 200, fields, new TextEncoder().encode(answer));
  };
}
