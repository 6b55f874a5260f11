// The config that `init` writes, and its test: short, commented, right as they stand.

/** Text of the first gateway.config.ts. It needs nothing but the executable. */
export const STARTER_CONFIG = `import { defineGateway } from "sluice";

// Check it with "sluice check", run it with "sluice run". Your editor knows every option: hover a name, or press
// Ctrl-Space. A name that does not exist, such as an upstream, is an error where it stands.
export default defineGateway({
  // Where clients connect.
  listen: { port: 8080 },

  // Your services. A target is http:// or https://, a host and maybe a port. With several targets, requests take turns.
  upstreams: {
    app: { targets: ["http://127.0.0.1:3000"] },
    // orders: { targets: ["http://127.0.0.1:9001", "http://127.0.0.1:9002"], timeouts: { connect: "2s" } },
  },

  // The most specific route wins; the order here means nothing. "*" at the end matches everything below.
  routes: {
    // An answer of the gateway's own: curl http://127.0.0.1:8080/hello
    hello: { match: "GET /hello", answer: { body: "Hello from Sluice.\\n" } },

    // Everything else goes to the app.
    app: { match: "/*", to: "app" },

    // One method, a path parameter, and the path changed on its way:
    // order: { match: "GET /api/orders/:id", to: "orders", rewrite: { stripPrefix: "/api" } },

    // Elsewhere:
    // old: { match: "/old/*", redirect: { to: "/new/*" } },

    // Code of your own:
    // time: { match: "GET /time/:zone", handler: ({ params, c }) => c.json({ zone: params.zone, now: Date.now() }) },

    // Hono middleware, after \`import { cors } from "hono/cors"\`:
    // api: { match: "/api/*", to: "app", use: [cors({ origin: "https://example.com" })] },
  },
});
`;

/** Text of the first gateway.test.ts. */
export const STARTER_TEST = `import { expect, gateway, test } from "sluice/test";
import config from "./gateway.config.ts";

// Run it with "sluice test": nothing listens, the app is the test's own, and time passes only when the test says so.
test("what has no route of its own goes to the app", async () => {
  const g = await gateway(config);
  g.upstream("app").reply({ body: { id: 7 } });

  const answer = await g.fetch("/items/7");

  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ id: 7 });
  expect(g.upstream("app").last.path).toBe("/items/7");
});
`;
