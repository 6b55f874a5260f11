// The config that every runtime runs in the conformance tests. What differs between runs is in the environment.
import { cors } from "hono/cors";
import { defineGateway, env } from "sluice";

export default defineGateway({
  name: "conforming",
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: {
    origin: { targets: [env("ORIGIN")] },
    down: { targets: [env("DOWN")] },
  },
  routes: {
    all: { match: "/all/*", to: "origin" },
    one: { match: "/one/:id", to: "origin" },
    exact: { match: "/exact", to: "origin" },
    special: { match: "/all/special", answer: { body: "special" } },
    reading: { match: "GET /methods", to: "origin" },
    writing: { match: "POST|PUT /methods", to: "origin" },
    hosted: { match: { path: "/hosted", host: "api.example.test" }, answer: { body: "api" } },
    hostedElse: { match: "/hosted", answer: { body: "else" } },
    keyed: { match: { path: "/keyed", headers: { "x-kind": "a" }, query: { v: "1" } }, answer: { body: "keyed" } },
    stripped: { match: "/strip/*", to: "origin", rewrite: { stripPrefix: "/strip" } },
    rewritten: { match: "/replace/:a/*", to: "origin", rewrite: { replace: "/all/:a/x/*" } },
    moved: { match: "/moved/:id", redirect: { to: "/one/:id" } },
    fixed: { match: "/fixed", answer: { status: 418, headers: { "x-fixed": "yes" }, body: "short and stout" } },
    json: { match: "/json", answer: { body: { a: [1, "é"] } } },
    handler: {
      match: "/handler/:name",
      handler: async ({ request, params, id, c }) =>
        c.json({ name: params.name, method: request.method, url: request.url, body: await request.text(), id }, 201),
    },
    failing: {
      match: "/failing",
      handler: () => {
        throw new Error("a secret of the inside");
      },
    },
    ticking: {
      match: "/ticking",
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
    shared: { match: "/shared/*", to: "origin", use: [cors({ origin: "https://app.example.test" })] },
    guarded: {
      match: "/guarded/*",
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
      to: "origin",
      headers: {
        request: { remove: ["x-private"], set: { "x-key": env("KEY"), "x-set": "by the gateway" } },
        response: { remove: ["x-internal"], set: { "x-out": "set" } },
      },
    },
    down: { match: "/down", to: "down" },
    slow: { match: "/slow/*", to: "origin", timeouts: { connect: "100ms", firstByte: "200ms" } },
    idle: { match: "/idle/*", to: "origin", timeouts: { idle: "200ms" } },
    socket: { match: "/socket/*", to: "origin" },
    noSocket: { match: "/no-socket/*", to: "origin", upgrade: [] },
  },
});
