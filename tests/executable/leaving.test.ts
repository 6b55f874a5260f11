// Clients that leave, and clients that only fall silent (GW-20, GW-22).
import { describe, expect, test } from "bun:test";
import type { ListenOptions } from "../../src/config/options.ts";
import { until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { plain, type Behaviour } from "../support/origin-exchange.ts";
import { ownPath, withGateway, type Rig } from "../support/rig.ts";

/** The promise: so long after the client has left, the upstream connection is closed. */
const PROMPT_MS = 100;

const pending: Behaviour = (x) => x.hang();
const streaming: Behaviour = async (x) => {
  await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  while ((await x.chunk("tick\n")) && (await x.wait(10)));
};
const flooding: Behaviour = async (x) => {
  await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const piece = Buffer.alloc(64 * 1024, "f");
  while (await x.chunk(piece));
};
const quiet: Behaviour = async (x) => {
  await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  await x.hang();
};

const upload = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1000\r\n\r\nabc`;

/** A gateway whose listener treats half-closed clients so. */
function gatewayWith(title: string, listen: ListenOptions, tests: (rig: Rig<"u1">) => void): void {
  const origins = { u1: {} };
  withGateway(
    title,
    {
      origins,
      config: ({ u1 }) => ({
        listen,
        upstreams: { u1: { targets: [u1.url] } },
        routes: { all: { match: "/*", to: "u1" } },
      }),
    },
    tests,
  );
}

gatewayWith("a client that leaves takes its upstream request with it", {}, (rig) => {
  const moments: [when: string, behaviour: Behaviour, raw: (path: string) => string, answerBytes: number][] = [
    ["before the answer", pending, get, 0],
    ["after its upload, before the answer", pending, (path) => `${upload(path)}${"x".repeat(997)}`, 0],
    ["in the middle of a stream", streaming, get, 200],
    ["in the middle of a flood", flooding, get, 100_000],
    ["while a stream is quiet", quiet, get, 20],
    ["in the middle of its upload", pending, upload, 0],
  ];
  for (const how of ["reset", "close"] as const) {
    test.each(moments)(`%s (${how})`, async (_, behaviour, raw, answerBytes) => {
      const path = ownPath();
      rig.origins.u1.at(path, behaviour);
      using client = await rig.connect();
      await client.send(raw(path));
      if (answerBytes > 0) await client.receiveBytes(answerBytes);
      const { connection } = await until(() => rig.origins.u1.requestsTo(path)[0], "the request at the upstream");
      const left = performance.now();
      client[how]();
      await until(() => connection.ending !== "open", "the upstream connection to be closed");
      expect(connection.endedAt - left).toBeLessThan(PROMPT_MS);
    });
  }

  test("pipelined requests that wait behind it never reach the upstream", async () => {
    const [path, behind] = [ownPath(), ownPath()];
    rig.origins.u1.at(path, pending);
    const client = await rig.connect();
    await client.send(get(path) + get(behind));
    const { connection } = await until(() => rig.origins.u1.requestsTo(path)[0], "the request at the upstream");
    client.reset();
    await until(() => connection.ending !== "open", "the upstream connection to be closed");
    expect(rig.origins.u1.requestsTo(behind)).toHaveLength(0);
  });

  test("it is recorded as 499, the client's doing", async () => {
    const path = ownPath();
    rig.origins.u1.at(path, pending);
    const client = await rig.connect();
    await client.send(get(path));
    await until(() => rig.origins.u1.requestsTo(path)[0], "the request at the upstream");
    client.reset();
    const line = await until(() => rig.gateway.log.find((entry) => entry["url.path"] === path), "its line in the log");
    expect([line["http.response.status_code"], line["error.type"], line["level"]]).toEqual([
      499,
      "client_disconnect",
      "info",
    ]);
  });
});

gatewayWith("a client that shuts down its sending side and listens (halfClose: ask)", {}, (rig) => {
  const rows: [what: string, raw: (path: string) => string][] = [
    ["GET", (path) => get(path, "Connection: close")],
    ["GET on a kept connection", get],
    ["POST", (path) => `POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 3\r\n\r\nabc`],
    ["HTTP/1.0", (path) => `GET ${path} HTTP/1.0\r\nHost: gw.test\r\n\r\n`],
  ];
  test.each(rows)("%s: gets its answer", async (_, raw) => {
    const path = ownPath();
    rig.origins.u1.at(path, async (x) => {
      await x.body();
      if (await x.wait(500)) await x.send(plain("late"));
    });
    using client = await rig.connect();
    await client.send(raw(path));
    client.finish();
    const response = await client.receive();
    expect([response.status, response.body.text, response.complete]).toEqual([200, "late", true]);
    expect(await client.closed()).toBe("fin");
  });

  test("gets a stream to its end", async () => {
    const path = ownPath();
    rig.origins.u1.at(path, async (x) => {
      await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let i = 0; i < 5; i++) {
        await x.chunk(`${i}`);
        await x.wait(50);
      }
      await x.send("0\r\n\r\n");
    });
    using client = await rig.connect();
    await client.send(get(path));
    client.finish();
    const response = await client.receive();
    expect([response.body.text, response.complete]).toEqual(["01234", true]);
  });

  test("gets the answers of all it had pipelined", async () => {
    const [one, two] = [ownPath(), ownPath()];
    rig.origins.u1.at(one, async (x) => (await x.wait(100)) && (await x.send(plain("1"))));
    rig.origins.u1.at(two, plain("2"));
    using client = await rig.connect();
    await client.send(get(one) + get(two));
    client.finish();
    expect((await client.receive()).body.text).toBe("1");
    expect((await client.receive()).body.text).toBe("2");
  });
});

describe("halfClose", () => {
  gatewayWith("answer: a FIN never means that the client has gone", { halfClose: "answer" }, (rig) => {
    test("the answer comes, and no interim one before", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => (await x.wait(300)) && (await x.send(plain("late"))));
      using client = await rig.connect();
      await client.send(get(path));
      client.finish();
      const response = await client.receive();
      expect([response.body.text, response.interim.length]).toEqual(["late", 0]);
    });
  });

  gatewayWith("leave: a FIN means that the client has gone", { halfClose: "leave" }, (rig) => {
    test("the upstream request is given up at once", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, pending);
      using client = await rig.connect();
      await client.send(get(path));
      const { connection } = await until(() => rig.origins.u1.requestsTo(path)[0], "the request at the upstream");
      const left = performance.now();
      client.finish();
      await until(() => connection.ending !== "open", "the upstream connection to be closed");
      expect(connection.endedAt - left).toBeLessThan(PROMPT_MS);
      await client.closed();
    });
  });
});
