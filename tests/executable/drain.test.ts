// SIGTERM: no new connections, exchanges finish, idle connections close, and what outlasts the grace is cut visibly.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { openWebSocket, accept } from "../cases/websocket-steps.ts";
import { until } from "../support/deadline.ts";
import { startGateway, type Gateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { plain, type Behaviour } from "../support/origin-exchange.ts";
import { connect, exchange, refuses } from "../support/raw-client.ts";
import { startOrigin, type RawOrigin } from "../support/raw-origin.ts";

/** A gateway and its origin for one test. */
async function start(
  grace: NonNullable<GatewayOptions["shutdown"]>["grace"],
  behaviour: Behaviour,
): Promise<{ gateway: Gateway; origin: RawOrigin }> {
  const origin = await startOrigin(behaviour);
  const gateway = await startGateway({
    shutdown: { grace: grace! },
    upstreams: { u1: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u1" } },
  });
  return { gateway, origin };
}

test.concurrent("an exchange under way finishes, its answer says close, and then the process ends with 0", async () => {
  const { gateway, origin } = await start("10s", async (x) => {
    await x.body();
    await x.wait(400);
    await x.send(plain("done"));
  });
  using busy = await connect(gateway.port);
  using idle = await connect(gateway.port);
  using fresh = await connect(gateway.port);
  await idle.send(get("/idle"));
  await idle.receive();
  await busy.send(get("/busy"));
  await until(() => origin.requestsTo("/busy").length === 1, "the request at the origin");
  gateway.signal("SIGTERM");
  await refuses(gateway.port);
  await idle.closed(500);
  await fresh.closed(500);
  const response = await busy.receive();
  expect([response.body.text, response.fields.one("connection")?.toLowerCase()]).toEqual(["done", "close"]);
  await busy.closed();
  await gateway.stop();
  expect(gateway.log).toHaveLength(2);
  await origin.stop();
});

test.concurrent("an upload and a stream under way finish too", async () => {
  const { gateway, origin } = await start("10s", async (x) => {
    await x.body();
    await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let i = 0; i < 4; i++) {
      await x.chunk(String(i));
      await x.wait(100);
    }
    await x.send("0\r\n\r\n");
  });
  using upload = await connect(gateway.port);
  using stream = await connect(gateway.port);
  await upload.send("POST /upload HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\n\r\nab");
  await stream.send(get("/stream"));
  await until(() => origin.requests.length === 2, "both at the origin");
  gateway.signal("SIGTERM");
  await refuses(gateway.port);
  await upload.send("cd");
  for (const client of [stream, upload]) {
    const response = await client.receive();
    expect([response.body.text, response.complete]).toEqual(["0123", true]);
  }
  await gateway.stop();
  await origin.stop();
});

test.concurrent("what outlasts the grace is cut: streams visibly, and the process still ends", async () => {
  const { gateway, origin } = await start("500ms", async (x) => {
    if (x.request.target === "/ws") {
      await accept(x);
      await x.hang();
      return;
    }
    if (x.request.target === "/stream") await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await x.hang();
  });
  using stream = await connect(gateway.port);
  using hanging = await connect(gateway.port);
  using socket = await connect(gateway.port);
  await stream.send(get("/stream"));
  await hanging.send(get("/hang"));
  await openWebSocket(socket, "/ws");
  await until(() => origin.requests.length === 3, "all at the origin");
  const began = performance.now();
  gateway.signal("SIGTERM");
  const answers = await Promise.all([stream.receive(), hanging.receive()]);
  expect([answers[0].status, answers[0].complete]).toEqual([200, false]);
  expect(answers[1].complete && answers[1].status === 200).toBe(false);
  await socket.closed();
  const code = await gateway.ended();
  expect(performance.now() - began).toBeLessThan(2500);
  expect(code).toBe(0);
  expect(gateway.log.map((line) => line["url.path"]).sort()).toEqual(["/hang", "/stream", "/ws"]);
  await until(() => origin.open === 0, "the upstream connections to be closed");
  await origin.stop();
});

test.concurrent("a second signal ends at once", async () => {
  const { gateway, origin } = await start("30s", (x) => x.hang());
  using client = await connect(gateway.port);
  await client.send(request("GET", "/hang"));
  await until(() => origin.requests.length === 1, "the request at the origin");
  gateway.signal("SIGTERM");
  await refuses(gateway.port);
  gateway.signal("SIGTERM");
  expect(await gateway.ended(2000)).toBe(143);
  await origin.stop();
});

test.concurrent.each(["SIGUSR1", "SIGUSR2"] as const)("%s ends nothing and says so", async (signal) => {
  const { gateway, origin } = await start("10s", (x) => x.send(plain("done")));
  gateway.signal(signal);
  await until(() => gateway.stderr.text.includes(`${signal}: `), "the word on stderr");
  using client = await connect(gateway.port);
  await client.send(get("/still"));
  expect((await client.receive()).body.text).toBe("done");
  await gateway.stop();
  await origin.stop();
});

/** Asks again and again on one connection until an answer says that it is the last; gives how many were answered. */
async function askOn(port: number, asked: () => void): Promise<number> {
  using client = await connect(port);
  for (let count = 1; ; count++) {
    await client.send(get(`/${count}`));
    asked();
    const answer = await client.receive();
    expect([answer.status, answer.complete]).toEqual([200, true]);
    if (answer.fields.one("connection")?.toLowerCase() === "close") return count;
  }
}

describe.each([1, 3])("with %d workers", (workers) => {
  test.each(["0s", "300ms"] as const)(
    "no request on a kept connection is lost in a drain with a delay of %s",
    async (drainDelay) => {
      const origin = await startOrigin((x) => x.send(plain("done")));
      const gateway = await startGateway({
        workers,
        shutdown: { drainDelay },
        upstreams: { u1: { targets: [origin.url] } },
        routes: { all: { match: "/*", to: "u1" } },
      });
      let asked = 0;
      const clients = Array.from({ length: 30 }, () => askOn(gateway.port, () => asked++));
      await until(() => asked > 300, "traffic on all connections");
      gateway.signal("SIGTERM");
      const answered = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
      expect(answered).toBe(asked);
      await gateway.stop();
      expect(gateway.lines).toHaveLength(asked);
      await origin.stop();
    },
  );

  test("it accepts on for the delay, and both places of readiness and the metrics tell it to the end", async () => {
    const origin = await startOrigin((x) => x.hang());
    const gateway = await startGateway({
      workers,
      admin: { port: 0 },
      shutdown: { drainDelay: "1s", grace: "1s" },
      upstreams: { u1: { targets: [origin.url] } },
      routes: { all: { match: "/*", to: "u1" }, ready: { match: "/readyz", answer: "readiness" } },
    });
    const ready = async (port: number): Promise<readonly [number, string]> => {
      const { status, body } = await exchange(port, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      return [status, body.text];
    };
    const { port, adminPort } = gateway;
    using hanging = await connect(port);
    await hanging.send(get("/hang"));
    await until(() => origin.requests.length === 1, "the request at the origin");
    const yes = [200, '{"ready":true}'] as const;
    expect([await ready(port), await ready(adminPort)]).toEqual([yes, yes]);
    gateway.signal("SIGTERM");
    await until(
      () => gateway.stderr.text.includes("not ready any more; accepts for 1 s, then waits up to 1 s"),
      "word",
    );
    const no = [503, '{"ready":false,"unready":["draining"]}'] as const;
    expect([await ready(port), await ready(adminPort)]).toEqual([no, no]);
    await refuses(port);
    expect((await ready(adminPort))[0]).toBe(503);
    const metrics = await exchange(adminPort, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    expect(metrics.body.text).toContain("http_server_active_requests");
    expect(await gateway.ended()).toBe(0);
    expect(gateway.stderr.text).toContain("cut off what was still under way: 1");
    await origin.stop();
  });

  test("in the delay a second signal ends at once, and nothing is reloaded", async () => {
    const gateway = await startGateway({
      workers,
      shutdown: { drainDelay: "30s" },
      routes: { all: { match: "/*", answer: { body: "here" } } },
    });
    gateway.signal("SIGTERM");
    await until(() => gateway.stderr.text.includes("SIGTERM: not ready any more"), "the drain to begin");
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr.text.includes("the gateway is shutting down"), "the refusal");
    expect((await exchange(gateway.port, get("/"))).body.text).toBe("here");
    gateway.signal("SIGTERM");
    expect(await gateway.ended(2000)).toBe(143);
  });

  test("SIGINT does without the delay", async () => {
    const gateway = await startGateway({
      workers,
      shutdown: { drainDelay: "30s" },
      routes: { all: { match: "/*", answer: {} } },
    });
    gateway.signal("SIGINT");
    expect(await gateway.ended(2000)).toBe(0);
  });
});
