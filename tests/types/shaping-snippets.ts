// Configs that shape traffic as users write them, as in snippets.ts.

const gateway = (route: string): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  upstreams: {
    stable: { targets: ["http://127.0.0.1:9001"] },
    canary: { targets: ["http://127.0.0.1:9002"] },
  },
  consumers: { acme: { groups: ["beta"] } },
  auth: { key: apiKey() },
  routes: {
    it: {
      match: "/it/:id",
      auth: "key",
${route}
    },
    beside: { match: "/beside/:id", auth: "none", handler: (x) => new Response(x.params.id) },
  },
});
`;

/** Upstreams, of which the first has this fallback. */
const fallback = (text: string): string => `import { defineGateway } from "sluice";
export default defineGateway({
  upstreams: {
    stable: {
      targets: ["http://127.0.0.1:9001"],
${text}
    },
    canary: { targets: ["http://127.0.0.1:9002"] },
  },
  routes: {
    it: { match: "/it/:id", to: "stable" },
    beside: { match: "/beside/:id", handler: (x) => new Response(x.params.id) },
  },
});
`;

/** Name and source. */
export const SHAPING_RIGHT: readonly (readonly [name: string, source: string])[] = [
  ["a split", gateway(`      split: [{ to: "stable", weight: 95 }, { to: "canary", weight: 5 }],`)],
  [
    "a sticky split with conditions",
    gateway(`      splitBy: { cookie: "sid" },
      split: [
        { to: "stable" },
        { to: "canary", weight: 0, when: { header: { "X-C": "1" }, cookie: { c: true }, consumer: "acme", group: ["beta"] } },
      ],
      rewrite: { replace: "/:id" },
      timeouts: { firstByte: "1s" },`),
  ],
  ["a fallback to an upstream", fallback(`      fallback: { to: "canary", on: [502, 503] },`)],
  ["a fallback to an answer", fallback(`      fallback: { answer: { status: 503, body: { a: 1 } } },`)],
  [
    "mirrors and faults",
    gateway(`      to: "stable",
      mirror: [{ to: "canary", share: 0.1, maxInFlight: 8, maxBody: "1MiB", timeout: "5s" }],
      faults: { delay: { by: "200ms", share: 0.1 }, abort: { status: 503 }, when: { consumer: ["acme"] } },`),
  ],
  ["one mirror", gateway(`      split: [{ to: "stable" }, { to: "stable" }],\n      mirror: { to: "canary" },`)],
];

/** Name, source, and words the message must hold. */
export const SHAPING_WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  [
    "a branch to an absent upstream",
    gateway(`      split: [
        { to: "stable" },
        { to: "canry" }, // wrong
      ],`),
    '"canary"',
  ],
  [
    "splitBy without a split",
    gateway(`      to: "stable",
      splitBy: "address", // wrong`),
    "CallerBy",
  ],
  [
    "a branch for an absent consumer",
    gateway(`      split: [
        { to: "stable" },
        { to: "canary", when: { consumer: "acne" } }, // wrong
      ],`),
    '"acme"',
  ],
  [
    "a branch for an absent group",
    gateway(`      split: [
        { to: "stable" },
        { to: "canary", when: { group: ["bta"] } }, // wrong
      ],`),
    '"beta"',
  ],
  ["a fallback to an absent upstream", fallback(`      fallback: { to: "canry" }, // wrong`), '"canary"'],
  [
    "an unknown key of a fallback",
    fallback(`      fallback: {
        to: "canary",
        when: 1, // wrong
      },`),
    "'when'",
  ],
  [
    "a fallback to an upstream and an answer",
    fallback(`      fallback: {
        to: "canary",
        answer: {}, // wrong
      },`),
    "undefined",
  ],
  [
    "a mirror to an absent upstream",
    gateway(`      to: "stable",
      mirror: { to: "canry" }, // wrong`),
    '"canary"',
  ],
  [
    "a mirror of a list to an absent upstream",
    gateway(`      to: "stable",
      mirror: [
        { to: "canary" },
        { to: "canry" }, // wrong
      ],`),
    '"canary"',
  ],
  [
    "a mirror of a fixed answer",
    gateway(`      answer: {},
      mirror: { to: "canary" }, // wrong`),
    "undefined",
  ],
  [
    "a fault for an absent group",
    gateway(`      to: "stable",
      faults: {
        abort: { status: 503 },
        when: { group: "bta" }, // wrong
      },`),
    '"beta"',
  ],
  [
    "an unknown key of a branch",
    gateway(`      split: [
        { to: "stable" },
        {
          to: "canary",
          wieght: 5, // wrong
        },
      ],`),
    "'wieght'",
  ],
];
