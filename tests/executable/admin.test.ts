// The admin listener of the executable: every question of its own document is asked, and each answer has the form it says.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type Gateway, startGateway } from "../support/executable.ts";

interface Operation {
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: object }> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** What is asked, and the status that comes. */
interface Asked {
  readonly query?: string;
  readonly content?: unknown;
  readonly status: number;
}

const TARGET = "http://127.0.0.1:9";

/** By question; of each at least one. */
const ASKED: Readonly<Record<string, readonly Asked[]>> = {
  "GET /livez": [{ status: 200 }],
  "GET /readyz": [{ status: 200 }],
  "GET /healthz": [{ status: 200 }],
  "GET /metrics": [{ status: 200 }],
  "GET /targets": [{ status: 200 }, { query: "?a=1", status: 400 }],
  "POST /targets/drain": [
    { query: `?upstream=up&target=${TARGET}`, status: 200 },
    { query: "?upstream=up&target=x", status: 404 },
    { query: "?upstream=up", status: 400 },
  ],
  "POST /targets/restore": [{ query: `?upstream=up&target=${TARGET}`, status: 200 }],
  "GET /limits": [
    { query: "?limit=few&caller=127.0.0.1", status: 200 },
    { query: "?limit=many&caller=127.0.0.1", status: 404 },
  ],
  "POST /limits/reset": [
    { query: "?limit=few&caller=127.0.0.1", status: 200 },
    { query: "?caller=127.0.0.1", status: 200 },
    { query: "?limit=many&caller=127.0.0.1", status: 404 },
    { query: "?limit=few", status: 400 },
  ],
  "POST /keys/revoke": [
    { query: "?id=ci", status: 200 },
    { content: { key: "key-2" }, status: 200 },
    { query: "?id=none", status: 404 },
    { status: 400 },
  ],
  "GET /keys/revoked": [{ status: 200 }],
  "POST /keys/restore": [
    { query: "?consumer=acme", status: 200 },
    { query: "?id=ci", status: 404 },
  ],
  "GET /log-level": [{ status: 200 }],
  "POST /log-level": [
    { query: "?level=debug", status: 200 },
    { query: "?level=loud", status: 400 },
  ],
  "GET /config": [{ status: 200 }],
  "POST /reload": [{ status: 200 }],
  // What it would start is gone.
  "POST /upgrade": [{ status: 422 }],
  "GET /version": [{ status: 200 }],
  "GET /openapi.json": [{ status: 200 }],
  "GET /live/access": [{ status: 200 }],
  "GET /live/events": [{ status: 200 }],
};

const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const config = (workers: number): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${workers},
  admin: { port: 0 },
  limits: { few: { limit: 9, window: "1m" } },
  consumers: { acme: { keys: [{ hash: "${hashOf("key-1")}", id: "ci" }, "${hashOf("key-2")}"] } },
  auth: { key: apiKey() },
  upstreams: { up: { targets: ["${TARGET}", "http://127.0.0.1:8"] } },
  routes: { all: { match: "/*", to: "up", limits: "few", auth: "none" } },
});
`;

describe.each([1, 2])("of %i workers", (workers) => {
  let gateway: Gateway;
  let document: Document;
  const ask = (method: string, path: string, content?: unknown): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, {
      method,
      ...(content !== undefined && { body: JSON.stringify(content) }),
    });
  beforeAll(async () => {
    gateway = await startGateway(config(workers), { byLink: true });
    rmSync(join(gateway.folder, "sluice"));
    document = (await (await ask("GET", "/openapi.json")).json()) as Document;
  });
  afterAll(() => gateway.stop());

  test("nothing of the document is left out here", () => {
    const questions = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(questions.sort()).toEqual(Object.keys(ASKED).sort());
  });

  test.each(
    Object.entries(ASKED).flatMap(([key, asked]) =>
      asked.map((each) => [key, each.query ?? "", each.status, each] as const),
    ),
  )("%s%s answers %i in the form that the document says", async (key, query, status, { content }) => {
    const [method = "", path = ""] = key.split(" ");
    const { paths, components } = document;
    const answer = await ask(method, path + query, content);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("link")).toBe('</openapi.json>; rel="service-desc"');
    const type = answer.headers.get("content-type")!;
    const { responses } = paths[path]![method.toLowerCase()]!;
    // What is not written out is a refusal.
    const forms = responses[status]?.content ?? { "application/problem+json": { schema: { $ref: PROBLEM } } };
    expect(Object.keys(forms)).toContain(type);
    if (!type.includes("json")) return answer.body?.cancel();
    const body: unknown = await answer.json();
    const ajv = new Ajv2020({ allErrors: true, strict: true });
    const validate = ajv.compile({ ...closed(forms[type]!.schema), $defs: closed(components.schemas) });
    expect(validate(body) ? [] : validate.errors).toEqual([]);
  });
});

const PROBLEM = "#/components/schemas/Problem";

/** The same, but that members which it does not tell of are wrong. References lead to `$defs`. */
function closed(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === "$ref") return (value as string).replace("#/components/schemas/", "#/$defs/");
    const open = typeof value === "object" && value !== null && "required" in value && "properties" in value;
    return open ? { ...value, additionalProperties: false } : value;
  }) as object;
}
