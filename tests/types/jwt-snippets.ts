// Configs with jwt as users write them, as in snippets.ts: what a schema of the claims makes of the types.

/** A config with these options of a scheme, and a route that holds these. */
const withToken = (scheme: string, route: string): string =>
  `import { defineGateway, env, jwt } from "sluice";
import * as v from "valibot";
const schema = v.object({ role: v.picklist(["admin", "user"]), level: v.number() });
export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  auth: {
    token: jwt({
      issuer: "https://login.example.com",
      audience: "orders",
${scheme}
    }),
  },
  routes: {
    orders: {
      match: "/orders/:id",
      auth: "token",
${route}
    },
  },
});
`;

/** Name and source. */
export const JWT_RIGHT: readonly (readonly [name: string, source: string])[] = [
  ["jwt with an issuer alone", withToken("", `      to: "orders",`)],
  [
    "jwt with every option",
    withToken(
      `      jwks: "https://login.example.com/keys",
      algorithms: ["RS256", "ES256"],
      typ: ["at+jwt"],
      idTokens: false,
      leeway: "10s",
      requiredClaims: ["sub"],
      maxLength: "8KiB",
      scopeClaim: "scp",
      claims: schema,
      header: "X-Token",
      cookie: "session",
      forward: true,
      keySet: { timeout: "2s", cooldown: "1m", refresh: "1h", maxAge: "12h" },
      tls: { ca: "ca.pem" },
      resource: "https://api.example.com",
      mode: "observe",
      realm: "orders",`,
      `      to: "orders",`,
    ),
  ],
  [
    "jwt with a secret, and anybody's audience",
    `import { defineGateway, env, jwt } from "sluice";
export default defineGateway({
  auth: { token: jwt({ issuer: false, audience: false, secret: env("S"), algorithms: ["HS256"] }) },
  routes: { a: { match: "/", auth: "token", answer: {} } },
});
`,
  ],
  [
    "claims that have the type of the schema",
    withToken(
      `      claims: schema,`,
      `      allow: { when: (x) => x.identity?.claims.role === "admin" && x.identity.claims.level > 2 },
      handler: (x) => {
        const level: number | undefined = x.identity?.claims.level;
        const scheme: "token" | undefined = x.identity?.scheme;
        return x.c.json({ level, scheme, id: x.params.id });
      },`,
    ),
  ],
  [
    "claims of two schemes, told apart by the scheme",
    `import { defineGateway, jwt } from "sluice";
import * as v from "valibot";
const common = { issuer: "https://login.example.com", audience: "orders" };
export default defineGateway({
  auth: {
    one: jwt({ ...common, claims: v.object({ one: v.string() }) }),
    two: jwt({ ...common, claims: v.object({ two: v.number() }) }),
    any: jwt(common),
  },
  routes: {
    a: {
      match: "/",
      auth: ["one", "two", "any"],
      handler: ({ identity, c }) => {
        if (identity?.scheme === "one") return c.text(identity.claims.one satisfies string);
        if (identity?.scheme === "two") return c.json(identity.claims.two satisfies number);
        return c.json({ value: identity?.claims["anything"] satisfies unknown });
      },
    },
  },
});
`,
  ],
];

/** Name, source, and words that the compiler's message holds. */
export const JWT_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  [
    "a claim that the schema has not",
    withToken(
      `      claims: schema,`,
      `      to: "orders",\n      allow: {\n        when: (x) => x.identity?.claims.roel === "admin", // wrong\n      },`,
    ),
    "'roel'",
  ],
  [
    "a value that the claim cannot have",
    withToken(
      `      claims: schema,`,
      `      to: "orders",\n      allow: {\n        when: (x) => x.identity?.claims.role === "root", // wrong\n      },`,
    ),
    "no overlap",
  ],
  [
    "a claim of another type in a handler",
    withToken(
      `      claims: schema,`,
      `      handler: (x) => {\n        const level: string = x.identity!.claims.level; // wrong\n        return x.c.text(level);\n      },`,
    ),
    "'number'",
  ],
  ["an algorithm that is none", withToken(`      algorithms: ["none"], // wrong`, `      to: "orders",`), `'"none"'`],
  [
    "jwt without an audience",
    `import { defineGateway, jwt } from "sluice";
export default defineGateway({
  auth: {
    token: jwt(
      { issuer: "https://login.example.com" }, // wrong
    ),
  },
  routes: { a: { match: "/", auth: "token", answer: {} } },
});
`,
    "'audience' is missing",
  ],
  ["a secret in the config", withToken(`      secret: "hush", // wrong`, `      to: "orders",`), "'string'"],
  ["a schema that is none", withToken(`      claims: { role: "string" }, // wrong`, `      to: "orders",`), "'role'"],
];
