// What Sluice does not do itself and middleware of Hono does: compression, and files of a folder. SHOP: the address of a service.
import { serveStatic } from "hono/bun";
import { compress } from "hono/compress";
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  upstreams: { shop: { targets: [env("SHOP", { default: "http://127.0.0.1:9001" })] } },
  routes: {
    shop: { match: "/shop/*", to: "shop", use: [compress()] },
    // The folder "public" in the working directory. On the executable alone: other runtimes have no hono/bun.
    files: {
      match: "GET /public/*",
      use: [serveStatic({ root: "./" })],
      handler: ({ c }) => c.notFound(),
    },
  },
});
