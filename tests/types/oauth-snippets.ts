// Configs with access tokens of OAuth as users write them, for the compiler: see snippets.ts.

const UPSTREAMS = `  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },`;

/** A scheme by introspection whose answers have a schema, and a route whose `allow` holds these options. */
const introspected = (scheme: string, allow: string): string =>
  `import { defineGateway, env, introspection } from "sluice";
import * as v from "valibot";
export default defineGateway({
${UPSTREAMS}
  auth: {
    token: introspection({
      url: "https://login.example.com/introspect",
      clientId: "gateway",
      clientSecret: env("SECRET"),
      claims: v.object({ sub: v.string(), level: v.number() }),
${scheme}
    }),
  },
  routes: {
    orders: {
      match: "/orders/:id",
      to: "orders",
      auth: "token",
      allow: {
${allow}
      },
    },
  },
});
`;

/** Name and source. */
export const OAUTH_RIGHT: readonly (readonly [name: string, source: string])[] = [
  [
    "introspection with all of its options",
    introspected(
      `      clientAuth: "post",
      audience: ["orders"],
      issuer: "https://login.example.com",
      cache: "10s",
      timeout: "1s",
      maxLength: "4KiB",
      forward: false,
      tls: { serverName: "login.example.com" },
      resource: { id: "https://api.example.com", authorizationServers: [], scopes: ["a"], name: "A", documentation: "x" },
      dpop: { mode: "accepted", origin: ["https://api.example.com"], algorithms: ["ES256"], maxAge: "1m" },`,
      '        scope: "read",\n        when: (x) => x.identity !== undefined && x.identity.claims.level > 2,',
    ),
  ],
  [
    "the short forms of resource and dpop",
    introspected(`      resource: "https://api.example.com",\n      dpop: "required",`, `        scope: ["read"],`),
  ],
];

/** Name, source, and words the message must hold. */
export const OAUTH_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  [
    "a claim that the schema does not have",
    introspected("", "        when: (x) => x.identity?.claims.tenant === x.params.id, // wrong"),
    "'tenant'",
  ],
  [
    "an algorithm that no proof may have",
    introspected(`      dpop: {\n        origin: "request",\n        algorithms: ["HS256"], // wrong\n      },`, ""),
    "HS256",
  ],
];
