// Configs with callers and their rights as users write them, as in snippets.ts.

const UPSTREAMS = `  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001"] },
    users: { targets: ["http://127.0.0.1:9003"] },
  },`;

/** A good route with a handler beside. */
const BESIDE = `    beside: { match: "/beside/:id", handler: (x) => new Response(x.params.id) },`;

/** Consumers, a scheme, and a route that holds these options. */
const guarded = (text: string): string =>
  `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
${UPSTREAMS}
  consumers: { acme: { groups: ["partner", "eu"], keys: ["sha256:00"] }, beta: { groups: ["us"] } },
  auth: { key: apiKey(), other: apiKey({ header: "X-Other" }) },
  routes: {
    orders: {
      match: "/orders/:id",
      to: "orders",
${text}
    },
${BESIDE}
  },
});
`;

/** Name and source. */
export const AUTH_RIGHT: readonly (readonly [name: string, source: string])[] = [
  [
    "who calls and what they may do",
    `import { apiKey, defineGateway, env } from "sluice";
export default defineGateway({
  consumers: {
    acme: {
      groups: ["partner"],
      keys: [env("ACME_KEY_HASH"), "sha256:00", { hash: env("OLD"), expires: "2027-01-31", id: "old" }],
      subjects: { key: ["s"] },
    },
    beta: {},
  },
  keys: { file: "keys.yaml", groups: ["filed"] },
  auth: { key: apiKey({ header: "X-Key", mode: "observe", realm: "api" }), other: apiKey() },
  identity: { consumer: false, headers: { "X-User": "sub" }, token: { key: env("K"), issuer: "x", lifetime: "30s" } },
  routes: {
    one: { match: "/one", auth: "key", allow: { consumers: ["acme", "beta"], groups: ["partner", "filed"] }, answer: {} },
    two: {
      match: "/two/:id",
      auth: ["key", "other"],
      allow: {
        scope: ["a", "b"],
        claims: { tenant: "x", level: [1, 2], "a.b": true },
        addresses: ["10.0.0.0/8"],
        methods: ["GET"],
        except: { consumers: ["beta"] },
        any: [{ groups: ["partner"] }, { when: async (x) => x.params.id === x.identity?.consumer?.name }],
        mode: "observe",
      },
      cors: { origins: ["https://app.test"], credentials: true, maxAge: "1h" },
      handler: (x) => {
        const scheme: "key" | "other" | undefined = x.identity?.scheme;
        return x.c.text(String(scheme) + x.params.id);
      },
    },
    three: { match: "/three", auth: "none", answer: {} },
  },
});
`,
  ],
];

/** Name, source, and words the message must hold. */
export const AUTH_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  ["a route with an absent scheme", guarded(`      auth: "kee", // wrong`), `'"kee"'`],
  ["a list with an absent scheme", guarded(`      auth: ["key", "othr"], // wrong`), `'"othr"'`],
  [
    "an absent consumer",
    guarded(`      auth: "key",\n      allow: {\n        consumers: ["acme", "gamma"], // wrong\n      },`),
    `'"gamma"'`,
  ],
  [
    "an absent group",
    guarded(`      auth: "key",\n      allow: {\n        groups: ["partners"], // wrong\n      },`),
    `'"partners"'`,
  ],
  [
    "an unknown key of allow",
    guarded(`      auth: "key",\n      allow: {\n        group: ["partner"], // wrong\n      },`),
    "'group'",
  ],
  [
    "an unknown key of cors",
    guarded(`      auth: "key",\n      cors: {\n        origins: ["*"],\n        credential: true, // wrong\n      },`),
    "'credential",
  ],
  [
    "a parameter in allow.when that the pattern has not",
    guarded(`      auth: "key",\n      allow: {\n        when: (x) => x.params.name === "a", // wrong\n      },`),
    "'name'",
  ],
  [
    "an unknown key of a scheme",
    `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  auth: {
    key: apiKey({
      heder: "X-Key", // wrong
    }),
  },
  routes: { a: { match: "/", auth: "key", answer: {} } },
});
`,
    "'heder'",
  ],
  [
    "a subject under an absent scheme",
    `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  consumers: {
    acme: {
      subjects: {
        tokn: ["a"], // wrong
      },
    },
  },
  auth: { token: apiKey() },
  routes: { a: { match: "/", auth: "token", answer: {} } },
});
`,
    "'tokn'",
  ],
];
