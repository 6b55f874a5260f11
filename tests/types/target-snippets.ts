// Configs whose targets are found while the gateway runs, and how one is picked, as in snippets.ts.

const gateway = (targets: string): string => `import { defineGateway, env, type FindTargets } from "sluice";
const instances: FindTargets = async (signal) => {
  const response = await fetch("http://registry.internal/orders", { signal });
  return (await response.json()) as string[];
};
export default defineGateway({
  upstreams: {
    orders: {
      targets: ${targets}
    },
  },
  routes: { orders: { match: "/*", to: "orders" }, any: { match: "/any", handler: async () => Response.json(await instances(AbortSignal.timeout(1))) } },
});
`;

const balanced = (balance: string): string => gateway(`["http://127.0.0.1:9001"],\n      balance: ${balance}`);

/** Name and source. */
export const TARGET_RIGHT: readonly (readonly [name: string, source: string])[] = [
  [
    "targets by DNS",
    gateway('{ dns: env("ORDERS"), refresh: { min: "1s", max: "1m" }, resolver: ["10.0.0.53"], family: "ipv4" },'),
  ],
  ["targets by SRV records", gateway('{ srv: "_http._tcp.orders.internal", scheme: "https" },')],
  ["targets in a file", gateway('{ file: "targets.yaml" },')],
  ["targets by a function", gateway('{ from: instances, every: "10s" },')],
  [
    "targets by a function that waits for nothing",
    gateway('{ from: () => ["http://a.internal", { url: "http://b.internal", weight: 2 }] },'),
  ],
  ["a policy, and a slow start", balanced('"least-busy", slowStart: "10s",')],
  ["a hash", balanced('{ hash: { header: "X-Tenant" }, bound: false },')],
  ["a hash by a word", balanced('{ hash: "path", bound: 1.5 },')],
  [
    "a sticky cookie",
    balanced(
      '{ sticky: { cookie: "at", secret: env("STICKY"), balance: "fastest", sameSite: "strict", maxAge: "1h" } },',
    ),
  ],
];

/** Name, source, and words the message must hold. */
export const TARGET_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  ["a function that gives no targets", gateway("{ from: () => [9001] }, // wrong"), "number"],
  ["a malformed duration", gateway('{ from: instances, every: "10" }, // wrong'), '"10"'],
  ["a family that is none", gateway('{ dns: "http://orders.internal", family: "v4" }, // wrong'), '"v4"'],
  ["a hash by a word that is none", balanced('{ hash: "adress" }, // wrong'), '"adress"'],
  ["a bound that is no number", balanced('{ hash: "path", bound: "1.25" }, // wrong'), "number | false"],
  [
    "a secret of a cookie in the config",
    balanced('{ sticky: { cookie: "at", secret: "secret" } }, // wrong'),
    "Hidden",
  ],
  ["a cookie without a secret", balanced('{ sticky: { cookie: "at" } }, // wrong'), "secret"],
  ["nothing to find by", gateway('{ every: "10s" }, // wrong'), "every"],
];
