// The config that every runtime runs in the conformance tests. What differs between runs is in the environment.
import { cors } from "hono/cors";
import { apiKey, basic, defineGateway, env, introspection, jwt } from "sluice";

export default defineGateway({
  name: "conforming",
  tracing: {},
  serverTiming: true,
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: {
    origin: { targets: [env("ORIGIN")] },
    down: { targets: [env("DOWN")] },
    bound: {
      targets: [env("ORIGIN"), env("OTHER")],
      balance: { sticky: { cookie: "at", secret: env("STICKY"), balance: "least-busy" } },
    },
    hashed: { targets: [env("ORIGIN"), env("OTHER")], balance: { hash: { header: "X-Tenant" } }, slowStart: "10s" },
    twin: { targets: [env("ORIGIN")] },
    falling: { targets: [env("DOWN")], fallback: { to: "origin" } },
    dark: { targets: [env("DOWN")], fallback: { answer: { status: 203, body: "kept" } } },
  },
  consumers: {
    acme: {
      groups: ["partner"],
      keys: [env("ACME_KEY_HASH")],
      subjects: { token: ["acme-app"], signed: ["acme-app"] },
    },
    beta: { keys: [env("BETA_KEY_HASH")], password: env("BETA_PASSWORD_HASH") },
  },
  auth: {
    anywhere: apiKey({ bearer: true, query: "partner_key" }),
    login: basic(),
    key: apiKey(),
    shadow: apiKey({ mode: "observe" }),
    signed: jwt({ issuer: "https://login.example.test", audience: "api", publicKey: env("JWT_KEY") }),
    issued: jwt({ issuer: "https://login.example.test", audience: "https://api.example.com", jwks: env("JWKS") }),
    token: introspection({
      url: env("INTROSPECTION"),
      clientId: "gateway",
      clientSecret: env("KEY"),
      resource: { id: "https://api.example.test/token", authorizationServers: ["https://login.example.test"] },
      dpop: { mode: "accepted", origin: "request" },
    }),
  },
  identity: { token: { key: env("SIGNING_KEY"), issuer: "https://gateway.example.test" } },
  limits: { few: { limit: 3, window: "1m", by: { header: "X-Tenant" } } },
  routes: {
    limited: { match: "/limited/*", to: "origin", auth: "none", limits: "few" },
    split: {
      match: "/split/*",
      auth: "none",
      split: [{ to: "origin" }, { to: "twin", when: { cookie: { canary: "yes" } } }],
    },
    bound: { match: "/bound/*", auth: "none", to: "bound" },
    hashed: { match: "/hashed/*", auth: "none", to: "hashed" },
    mirrored: { match: "/mirrored/*", auth: "none", to: "origin", mirror: { to: "twin" } },
    falling: { match: "/falling/*", auth: "none", to: "falling" },
    dark: { match: "/dark", auth: "none", to: "dark" },
    faulty: {
      match: "/faulty",
      auth: "none",
      to: "origin",
      faults: { delay: { by: "100ms" }, abort: { status: 503 } },
    },
    small: { match: "/small/*", to: "origin", auth: "none", maxBody: "10B" },
    all: { match: "/all/*", auth: "none", to: "origin" },
    one: { match: "/one/:id", auth: "none", to: "origin" },
    exact: { match: "/exact", auth: "none", to: "origin" },
    special: { match: "/all/special", auth: "none", answer: { body: "special" } },
    reading: { match: "GET /methods", auth: "none", to: "origin" },
    writing: { match: "POST|PUT /methods", auth: "none", to: "origin" },
    hosted: { match: { path: "/hosted", host: "api.example.test" }, auth: "none", answer: { body: "api" } },
    hostedElse: { match: "/hosted", auth: "none", answer: { body: "else" } },
    keyed: {
      match: { path: "/keyed", headers: { "x-kind": "a" }, query: { v: "1" } },
      auth: "none",
      answer: { body: "keyed" },
    },
    stripped: { match: "/strip/*", auth: "none", to: "origin", rewrite: { stripPrefix: "/strip" } },
    rewritten: { match: "/replace/:a/*", auth: "none", to: "origin", rewrite: { replace: "/all/:a/x/*" } },
    moved: { match: "/moved/:id", auth: "none", redirect: { to: "/one/:id" } },
    fixed: {
      match: "/fixed",
      auth: "none",
      answer: { status: 418, headers: { "x-fixed": "yes" }, body: "short and stout" },
    },
    json: { match: "/json", auth: "none", answer: { body: { a: [1, "é"] } } },
    handler: {
      match: "/handler/:name",
      auth: "none",
      handler: async ({ request, params, id, c }) =>
        c.json({ name: params.name, method: request.method, url: request.url, body: await request.text(), id }, 201),
    },
    failing: {
      match: "/failing",
      auth: "none",
      handler: () => {
        throw new Error("a secret of the inside");
      },
    },
    ticking: {
      match: "/ticking",
      auth: "none",
      handler: () => {
        let tick = 0;
        const stream = new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (tick === 3) return controller.close();
            if (tick > 0) await new Promise((resolve) => setTimeout(resolve, 50));
            controller.enqueue(new TextEncoder().encode(`data: ${tick++}\n\n`));
          },
        });
        return new Response(stream, { headers: { "content-type": "text/event-stream" } });
      },
    },
    shared: { match: "/shared/*", auth: "none", to: "origin", use: [cors({ origin: "https://app.example.test" })] },
    guarded: {
      match: "/guarded/*",
      auth: "none",
      to: "origin",
      use: [
        async (c, next) => {
          if (c.req.header("x-pass") === undefined) return c.text("not without x-pass", 403);
          c.req.raw.headers.set("x-seen", c.req.header("x-pass") ?? "");
          await next();
          c.header("x-guard", "passed");
          return;
        },
      ],
    },
    replaced: {
      match: "/replaced/*",
      auth: "none",
      to: "origin",
      use: [
        async (c, next) => {
          await next();
          c.res = new Response(`instead of ${c.res.status}`, c.res);
        },
      ],
    },
    changed: {
      match: "/changed/*",
      auth: "none",
      to: "origin",
      headers: {
        request: { remove: ["x-private"], set: { "x-key": env("KEY"), "x-set": "by the gateway" } },
        response: { remove: ["x-internal"], set: { "x-out": "set" } },
      },
    },
    down: { match: "/down", auth: "none", to: "down" },
    slow: { match: "/slow/*", auth: "none", to: "origin", timeouts: { connect: "100ms", firstByte: "200ms" } },
    idle: { match: "/idle/*", auth: "none", to: "origin", timeouts: { idle: "200ms" } },
    socket: { match: "/socket/*", auth: "none", to: "origin" },
    anywhere: { match: "/anywhere/*", to: "origin", auth: "anywhere" },
    login: { match: "/login/*", to: "origin", auth: "login" },
    keyedOnly: { match: "/key/*", to: "origin", auth: "key" },
    partners: { match: "/partners/*", to: "origin", auth: "key", allow: { groups: ["partner"] } },
    signed: { match: "/signed/*", to: "origin", auth: "signed" },
    issued: { match: "/issued/*", to: "origin", auth: "issued" },
    tokens: { match: "/token/*", to: "origin", auth: "token" },
    watched: { match: "/watched/*", to: "origin", auth: "shadow" },
    called: { match: "/called", auth: "key", handler: (x) => x.c.text(x.identity?.consumer?.name ?? "nobody") },
    crossed: {
      match: "GET|PUT /crossed/*",
      to: "origin",
      auth: "key",
      cors: { origins: ["https://app.example.test"] },
    },
    noSocket: { match: "/no-socket/*", auth: "none", to: "origin", upgrade: [] },
  },
});
