// A Fastify proxy with one route over two targets, run by Node: fastify-proxy.mjs <port> <plain|logged> <target> <target>
import proxy from "@fastify/http-proxy";
import fastify from "fastify";

const [port, work, ...targets] = process.argv.slice(2);
const logged = work === "logged";
const app = fastify({ logger: logged, disableRequestLogging: true, genReqId: () => crypto.randomUUID() });
let turn = 0;

await app.register(proxy, {
  prefix: "/orders",
  rewritePrefix: "/orders",
  upstream: "",
  undici: { connections: 256, pipelining: 1 },
  replyOptions: {
    getUpstream: () => targets[turn++ % targets.length],
    ...(logged && {
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        "x-forwarded-for": request.ip,
        "x-forwarded-proto": request.protocol,
        "x-forwarded-host": request.host,
        "x-request-id": request.id,
      }),
    }),
  },
});

if (logged) {
  app.addHook("onResponse", (request, reply, done) => {
    app.log.info({
      id: request.id,
      ip: request.ip,
      method: request.method,
      path: request.url,
      status: reply.statusCode,
      bytes: Number(reply.getHeader("content-length") ?? 0),
      ms: reply.elapsedTime,
      agent: request.headers["user-agent"],
    });
    done();
  });
}

await app.listen({ port: Number(port), host: "127.0.0.1" });
