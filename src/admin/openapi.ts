// The admin listener as an OpenAPI 3.1 document, made of the table of what can be asked.
import type { Offer, Said, Schema } from "./offer.ts";
import { SCHEMAS, schemaOf } from "./schemas.ts";

const PROBLEM = { "application/problem+json": { schema: schemaOf("Problem") } };
/** By what a token is shown. */
const SCHEME = "token";

/**
 * The document, as JSON.
 * @param version of Sluice
 * @param guarded whether the config asks for a token
 */
export function openApiText(acts: Readonly<Record<string, Offer>>, version: string, guarded: boolean): string {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [key, offer] of Object.entries(acts)) {
    const [method = "", path = ""] = key.split(" ");
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(method, path, offer, guarded) };
  }
  return JSON.stringify({
    openapi: "3.1.1",
    info: {
      title: "Sluice admin listener",
      version,
      description:
        "Asks a running gateway about itself, and tells it what to do. Refusals are problem+json (RFC 9457).",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: SCHEMAS,
      responses: { Refused: { description: "The question is refused.", content: PROBLEM } },
      ...(guarded && { securitySchemes: { [SCHEME]: { type: "http", scheme: "bearer" } } }),
    },
  });
}

function operationOf(method: string, path: string, offer: Offer, guarded: boolean): object {
  const { about, open = false, parameters = {}, content } = offer;
  const named = Object.entries(parameters).map(([name, { about, required = false, example }]) => ({
    ...{ name, in: "query", description: about, required, example, schema: { type: "string" } satisfies Schema },
  }));
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z]+([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: about,
    ...(named.length > 0 && { parameters: named }),
    ...(content !== undefined && {
      requestBody: {
        description: content.about,
        content: { "application/json": { schema: content.schema, example: content.example } },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(offer.answers).map(([status, said]) => [status, responseOf(said)])),
      default: { $ref: "#/components/responses/Refused" },
    },
    ...(guarded && { security: open ? [] : [{ [SCHEME]: [] }] }),
  };
}

function responseOf({ about, schema, types }: Said): object {
  if (types !== undefined) {
    const content = Object.fromEntries(types.map((type) => [type, { schema: { type: "string" } }]));
    return { description: about, content };
  }
  return { description: about, content: schema === undefined ? PROBLEM : { "application/json": { schema } } };
}
