// Configs as users write them. In a wrong one the comment "// wrong" stands on the only line the compiler may refuse.

const gateway = (options: string): string =>
  `import { defineGateway, env } from "sluice";\nexport default defineGateway({\n${options}\n});\n`;

const UPSTREAMS = `  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001"] },
    users: { targets: ["http://127.0.0.1:9003"] },
  },`;

const HELLO = `  routes: { hello: { match: "/", answer: { body: "hello" } } },`;

/** The two upstreams above and these routes. */
const routes = (text: string): string => gateway(`${UPSTREAMS}\n  routes: {\n${text}\n  },`);

/** A good route with a handler, to see that a fault beside it does not take its types away. */
const BESIDE = `    beside: { match: "/beside/:id", handler: (x) => new Response(x.params.id) },`;

/** An upstream that holds these options, and a route to it. */
const upstream = (text: string): string =>
  gateway(`  upstreams: {
    orders: {
      targets: ["http://127.0.0.1:9001"],
${text}
    },
  },
  routes: {
    orders: { match: "/*", to: "orders" },
${BESIDE}
  },`);

/** A listener with these options. */
const listen = (text: string): string =>
  gateway(`  listen: {\n${text}\n  },\n  routes: {\n    a: { match: "/", answer: { body: "hello" } },\n  },`);

/** Name and source. */
export const RIGHT: readonly (readonly [name: string, source: string])[] = [
  ["the smallest config", gateway(HELLO)],
  [
    "every option",
    `import { defineGateway, env } from "sluice";
import { cors } from "hono/cors";
import { compress } from "hono/compress";
import { createMiddleware } from "hono/factory";
const mine = createMiddleware<{ Variables: { user: string } }>(async (c, next) => {
  c.set("user", "a");
  await next();
});
export default defineGateway({
  name: "edge",
  listen: {
    port: 8080,
    host: "::",
    trustedProxies: ["10.0.0.0/8"],
    maxTarget: "16KiB",
    maxHead: "64KB",
    timeouts: { head: "10s", keepAlive: "1.5m", body: "500ms", send: "1h" },
    halfClose: "answer",
    maxConnections: 10,
  },
  upstreams: {
    orders: {
      targets: ["http://127.0.0.1:9001", { url: "http://[::1]:9002", weight: 2 }, env("ORDERS_URL"), { url: env("O") }],
      balance: "round-robin",
      protocol: "http1",
      host: "client",
      timeouts: { connect: "5s", firstByte: "60s", idle: "5m" },
      keepAlive: { idle: "4s", maxIdle: 5, maxAge: "1d" },
      connections: { max: 5, wait: "1s", maxWaiting: 4 },
      maxHead: "64KiB",
      tls: { serverName: "x.test", ca: "ca.pem", cert: env("CERT"), key: env("KEY", { default: "key.pem" }), verify: false },
    },
    "two-words": { targets: ["https://x.test"], host: "api.x.test" },
  },
  routes: {
    orders: {
      match: "GET|POST /api/orders/*",
      to: "orders",
      use: [cors(), compress(), mine],
      headers: {
        request: { set: { authorization: env("TOKEN"), "x-a": "b" }, remove: ["cookie"] },
        response: { remove: ["server"] },
      },
      rewrite: { stripPrefix: "/api" },
      timeouts: { idle: "1h" },
      upgrade: [],
      log: false,
    },
    b: {
      match: { path: "/b/:x", method: ["GET", "PUT"], host: "*.x.test", headers: { "x-a": true }, query: { v: "2" } },
      to: "two-words",
      rewrite: { replace: "/c/:x" },
    },
    c: { match: "/c/*", redirect: { to: "/d/*", status: 301 } },
    d: { match: ["/d", "/e"], answer: { status: 410, headers: { "x-a": "b" }, body: { gone: true } } },
  },
  log: { format: "json", redactQuery: ["pin"] },
  reload: { gate: "tests" },
  shutdown: { grace: "25s" },
});
`,
  ],
  [
    "parameters of a handler from its pattern",
    gateway(`  routes: {
    one: { match: "/users/:id", handler: (x) => new Response(x.params.id.toUpperCase()) },
    two: { match: "GET /:a/b/:c", handler: (x) => x.c.json([x.params.a, x.params.c] satisfies string[]) },
    rest: { match: "/files/:name/*", handler: (x) => x.c.text(x.params.name + x.params["*"]) },
    object: { match: { path: "/o/:id", method: "GET" }, handler: async ({ params }) => new Response(params.id) },
    list: {
      match: ["/a/:id", { path: "/b/:id/:more" }],
      handler: (x) => {
        const always: string = x.params.id;
        const maybe: string | undefined = x.params.more;
        return new Response(always + String(maybe));
      },
    },
    beside: { match: "/x", handler: ({ request, client, id }) => new Response(request.url + client + id) },
  },`),
  ],
  [
    "parts that stand in variables",
    `import { defineGateway, type AnyNames, type GatewayOptions, type RouteOptions, type UpstreamOptions } from "sluice";
const orders: UpstreamOptions = { targets: ["http://127.0.0.1:1"] };
const upstreams = { orders, users: { targets: ["http://127.0.0.1:2"] } };
const route = { match: "/a", to: "orders" } as const;
const more: Record<string, RouteOptions<string, AnyNames & { upstream: "orders" }>> = {};
const listen = { port: 1 } satisfies GatewayOptions["listen"];
export default defineGateway({ listen, upstreams, routes: { route, ...more, b: { match: "/b", to: "users" } } });
`,
  ],
  [
    "options of a type that is already wide",
    `import { defineGateway, type GatewayOptions } from "sluice";
const options: GatewayOptions = { routes: { a: { match: "/", to: "later" } } };
export default defineGateway(options);
`,
  ],
];

/** Name, source, and words the message must hold. */
export const WRONG: readonly (readonly [name: string, source: string, words: string])[] = [
  [
    "a route to an absent upstream",
    routes(`    orders: {
      match: "/api/orders/*",
      to: "oders", // wrong
    },
${BESIDE}`),
    `Did you mean '"orders"'?`,
  ],
  [
    "a route to an absent upstream with more options after it",
    routes(`    orders: {
      match: ["/a", { path: "/b" }],
      rewrite: { stripPrefix: "/api" },
      to: "user", // wrong
      timeouts: { idle: "1s" },
    },
${BESIDE}`),
    `Did you mean '"users"'?`,
  ],
  [
    "a route to an upstream where none is defined",
    gateway(`  routes: {
    a: {
      match: "/",
      to: "orders", // wrong
    },
${BESIDE}
  },`),
    "'never'",
  ],
  [
    "an upstream in a variable",
    `import { defineGateway } from "sluice";
const upstreams = { orders: { targets: ["http://127.0.0.1:1"] } };
export default defineGateway({
  upstreams,
  routes: {
    a: {
      match: "/",
      to: "order", // wrong
    },
  },
});
`,
    `'"order"'`,
  ],
  [
    "an unknown key at the top",
    gateway(`${UPSTREAMS}
  listne: { port: 1 }, // wrong
  routes: {
    orders: { match: "/*", to: "orders" },
${BESIDE}
  },`),
    "'listne' does not exist",
  ],
  ["an unknown key of listen", listen(`    prt: 1, // wrong`), "Did you mean to write 'port'?"],
  ["an unknown key of listen.timeouts", listen(`    timeouts: {\n      haed: "1s", // wrong\n    },`), "'haed'"],
  ["an unknown key of an upstream", upstream(`      balnce: "round-robin", // wrong`), "'balance'"],
  ["an unknown key of keepAlive", upstream(`      keepAlive: {\n        idel: "1s", // wrong\n      },`), "'idel'"],
  ["an unknown key of connections", upstream(`      connections: {\n        mx: 1, // wrong\n      },`), "'mx'"],
  ["an unknown key of tls", upstream(`      tls: {\n        serverNam: "x", // wrong\n      },`), "'serverName'"],
  [
    "an unknown key of a target",
    gateway(`  upstreams: {
    orders: {
      targets: [
        {
          url: "http://127.0.0.1:1",
          wieght: 2, // wrong
        },
      ],
    },
  },
  routes: { a: { match: "/", to: "orders" } },`),
    "'wieght'",
  ],
  [
    "an unknown key of a route",
    routes(`    a: {
      match: "/",
      to: "orders",
      rewrit: { stripPrefix: "/api" }, // wrong
    },
${BESIDE}`),
    "'rewrit",
  ],
  [
    "an unknown key of a route with a handler",
    routes(`    a: {
      match: "/:id",
      logg: false, // wrong
      handler: (x) => new Response(x.params.id),
    },
${BESIDE}`),
    "'logg'",
  ],
  [
    "an unknown key of match",
    routes(`    a: {
      match: {
        path: "/",
        metod: "GET", // wrong
      },
      to: "orders",
    },
${BESIDE}`),
    "'metod'",
  ],
  [
    "an unknown key of headers",
    routes(`    a: {
      match: "/",
      to: "orders",
      headers: {
        requst: { remove: ["cookie"] }, // wrong
      },
    },`),
    "'requst'",
  ],
  [
    "an unknown key of rewrite",
    routes(`    a: {
      match: "/",
      to: "orders",
      rewrite: {
        stripPrefx: "/api", // wrong
      },
    },`),
    "'stripPrefx'",
  ],
  [
    "an unknown key of answer",
    routes(`    a: {
      match: "/",
      answer: {
        stats: 200, // wrong
      },
    },`),
    "'status'",
  ],
  [
    "an unknown key of redirect",
    routes(`    a: {
      match: "/",
      redirect: {
        to: "/b",
        cod: 301, // wrong
      },
    },`),
    "'cod'",
  ],
  ["an unknown key of log", gateway(`${HELLO}\n  log: {\n    formt: "json", // wrong\n  },`), "'format'"],
  ["an unknown key of shutdown", gateway(`${HELLO}\n  shutdown: {\n    grce: "1s", // wrong\n  },`), "'grace'"],
  ["an unknown gate", gateway(`${HELLO}\n  reload: {\n    gate: "test", // wrong\n  },`), "'\"test\"'"],
  [
    "an unknown key of env",
    gateway(`${HELLO}\n  name: env("A", {\n    defalt: "1", // wrong\n  }).name,`),
    "'default'",
  ],
  ["a duration of an unknown unit", upstream(`      timeouts: {\n        connect: "5x", // wrong\n      },`), `'"5x"'`],
  ["a duration without a unit", upstream(`      timeouts: {\n        idle: "5", // wrong\n      },`), `'"5"'`],
  ["a duration that is a number", listen(`    timeouts: {\n      body: 30, // wrong\n    },`), "'number'"],
  ["a duration that is a word", gateway(`${HELLO}\n  shutdown: {\n    grace: "soon", // wrong\n  },`), `'"soon"'`],
  [
    "a duration of a route",
    routes(`    a: {
      match: "/:id",
      to: "orders",
      timeouts: {
        firstByte: "1 minute", // wrong
      },
    },
${BESIDE}`),
    `'"1 minute"'`,
  ],
  ["a size of an unknown unit", listen(`    maxHead: "64KiBs", // wrong`), `'"64KiBs"'`],
  ["a size without a unit", listen(`    maxTarget: "64", // wrong`), `'"64"'`],
  ["a size of an upstream", upstream(`      maxHead: "1mib", // wrong`), `'"1mib"'`],
  ["a port that is text", listen(`    port: "8080", // wrong`), "'string'"],
  ["a choice that does not exist", listen(`    halfClose: "ask me", // wrong`), `'"ask me"'`],
  ["a balance that does not exist", upstream(`      balance: "randm", // wrong`), `'"random"'`],
  [
    "a redirect status that does not exist",
    routes(`    a: {
      match: "/",
      redirect: {
        to: "/b",
        status: 305, // wrong
      },
    },`),
    "'305'",
  ],
  [
    "a parameter that the pattern lacks",
    routes(`    a: {
      match: "GET /users/:id",
      handler: (x) =>
        new Response(x.params.ib), // wrong
    },
${BESIDE}`),
    "'ib' does not exist",
  ],
  [
    "a parameter that not every pattern has, used as if it had",
    routes(`    a: {
      match: ["/a/:id", "/b/:id/:more"],
      handler: (x) =>
        new Response(x.params.more.trim()), // wrong
    },
${BESIDE}`),
    "possibly 'undefined'",
  ],
  [
    "a handler that returns no Response",
    routes(`    a: {
      match: "/a",
      handler: () => "text", // wrong
    },
${BESIDE}`),
    "'string'",
  ],
  ["a route without match", routes(`    a: { // wrong\n      to: "orders",\n    },\n${BESIDE}`), "'match' is missing"],
  ["a route that leads nowhere", routes(`    a: { // wrong\n      match: "/",\n    },\n${BESIDE}`), "missing"],
  [
    "a route that leads to two places",
    routes(`    a: { // wrong
      match: "/",
      to: "orders",
      answer: { status: 200 },
    },
${BESIDE}`),
    "'answer' are incompatible",
  ],
  [
    "a rewrite of a route that forwards nothing",
    routes(`    a: { // wrong
      match: "/",
      answer: { status: 200 },
      rewrite: { stripPrefix: "/a" },
    },
${BESIDE}`),
    "'rewrite' are incompatible",
  ],
  [
    "a config without routes",
    `import { defineGateway } from "sluice";
export default defineGateway(
  {}, // wrong
);
`,
    "'routes' is missing",
  ],
  ["a config whose routes are empty", gateway(`${UPSTREAMS}\n  routes: {}, // wrong`), "'never'"],
];
