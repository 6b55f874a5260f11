// Reads what a question names in its query, and its content.
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import { gather } from "../http/gather.ts";
import { decodeForm, parameterNames, rawParameters } from "../http/query.ts";
import { wrong } from "./answers.ts";
import type { Offer } from "./offer.ts";

/** Most bytes of the content of a question. */
const MOST_CONTENT = 16_384;

/** What the query names. A parameter that is not known, that is missing or stands twice is told by name. @throws GatewayError */
export function namedIn({ query }: Exchange, { parameters }: Offer): Readonly<Record<string, string | undefined>> {
  if (parameters === undefined) return {};
  const known = Object.keys(parameters);
  const strange = parameterNames(query).find((name) => !known.includes(name));
  if (strange !== undefined) {
    const taken = known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}`;
    throw wrong(`The query has a parameter ${JSON.stringify(strange)}: ${taken}.`);
  }
  const entries = Object.entries(parameters).map(([name, { required, example }]) => {
    const values = rawParameters(query, name).map(decodeForm);
    if (values.length > 1) throw wrong(`The query has the parameter ${name} more than once.`);
    if (required === true && (values[0] ?? "") === "") {
      throw wrong(`The query lacks the parameter ${name}, such as ?${name}=${example}`);
    }
    return [name, values[0]] as const;
  });
  return Object.fromEntries(entries);
}

/** The content as JSON; undefined where the offer takes none, or none came. @throws GatewayError */
export async function contentIn({ content }: Exchange, offer: Offer): Promise<unknown> {
  if (offer.content === undefined || content === null) return undefined;
  const bytes = isStream(content) ? await gather(content, MOST_CONTENT) : content;
  if (!(bytes instanceof Uint8Array)) bytes.cancel();
  if (!(bytes instanceof Uint8Array) || bytes.length > MOST_CONTENT) {
    throw new GatewayError("content_too_large", `a question has at most ${MOST_CONTENT} bytes`);
  }
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw wrong(`The content is no JSON. It may be ${JSON.stringify(offer.content.example)}`);
  }
}
