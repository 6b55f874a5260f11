// Code of one's own: handlers and Hono middleware. SHOP: the address of a service.
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { defineGateway, env, identityOf } from "sluice";

/** Marks what it lets pass, and answers by itself while the shop is closed. */
const openingHours = createMiddleware(async (c, next) => {
  if (c.req.header("X-Closed") !== undefined) return c.json({ reason: "closed" }, 503);
  c.req.raw.headers.set("X-Caller", identityOf(c)?.consumer?.name ?? "somebody");
  await next();
  c.header("X-Open", "yes");
});

export default defineGateway({
  listen: { port: 8080 },
  upstreams: { shop: { targets: [env("SHOP", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    // The compiler knows params.name from the pattern.
    hello: {
      match: "GET /hello/:name",
      handler: ({ params, client, c }) => c.json({ hello: params.name, from: client }),
    },
    // A Response of the Web API does as well; its content may be a stream.
    echo: {
      match: "POST /echo",
      use: [bodyLimit({ maxSize: 1024 })],
      handler: async ({ request }) => new Response(await request.text()),
    },
    // Middleware in front of a service, outermost first.
    shop: { match: "/shop/*", to: "shop", use: [openingHours] },
    // What is thrown is 500 for the client, and stands in the log.
    broken: {
      match: "/broken",
      handler: () => {
        throw new RangeError("no such number");
      },
    },
  },
});
