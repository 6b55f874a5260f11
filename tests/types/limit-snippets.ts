// Configs with limits as users write them, as in snippets.ts.

const gateway = (limits: string, route: string): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  consumers: { acme: {} },
  auth: { key: apiKey() },
  limits: {
${limits}
  },
  limiting: { fields: "both", capacity: 2048 },
  inFlight: { perConsumer: { max: 2, by: "consumer" }, orders: { max: 50, by: "upstream", queue: 10, wait: "2s" } },
  overload: { maxInFlight: 100, exempt: ["/readyz"] },
  maxBody: "1MiB",
  routes: {
    a: {
      match: "/",
      auth: "key",
      answer: {},
${route}
    },
  },
});
`;

/** Name and source. */
export const LIMIT_RIGHT: readonly (readonly [name: string, source: string])[] = [
  [
    "limits of every kind",
    gateway(
      `    perConsumer: { limit: 100, window: "1m", by: "consumer", cost: (x) => (x.method === "GET" ? 1 : 5), mode: "observe" },
    monthly: { limit: 1000, per: "month", timeZone: "Europe/Berlin", by: { header: "X-Tenant" }, statuses: ["2xx", 404] },
    own: { limit: 1, window: "1s", by: (x) => x.identity?.consumer?.name },`,
      `      limits: ["perConsumer", "own"],`,
    ),
  ],
  ["bounds for what is under way", gateway("", `      inFlight: ["perConsumer", "orders"],\n      maxBody: false,`)],
  ["a route with one limit", gateway(`    few: { limit: 1, window: "1m" },`, `      limits: "few",`)],
];

/** Name, source, and words the message must hold. */
export const LIMIT_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  [
    "a route with an absent limit",
    gateway(`    few: { limit: 1, window: "1m" },`, `      limits: ["fw"], // wrong`),
    '"fw"',
  ],
  ["a route with an absent bound", gateway("", `      inFlight: "order", // wrong`), '"orders"'],
  [
    "a limit with a window and a quota",
    gateway(`    few: {\n      limit: 1,\n      window: "1m",\n      per: "day", // wrong\n    },`, ""),
    `'"day" | "month"'`,
  ],
  [
    "an unknown key of a limit",
    gateway(`    few: {\n      limit: 1,\n      window: "1m",\n      cots: 1, // wrong\n    },`, ""),
    "'cots",
  ],
];
