// Clients that leave in the middle of large answers: log, metric and span tell what the kernel took, and tell the same.
import { afterAll, expect, test } from "bun:test";
import { type Collector, startCollector } from "../support/collector.ts";
import { until } from "../support/deadline.ts";
import { PREFACE, get as getFrame, settings, windowUpdate } from "../support/http2-frames.ts";
import { get } from "../support/messages.ts";
import { scrape, sumOf } from "../support/metrics-text.ts";
import { ownPath, type Rig, withGateway } from "../support/rig.ts";

/** More than the buffers of two kernels hold. */
const LARGE = 48 * 1024 * 1024;
const READ = 64 * 1024;

const collector: Collector = startCollector();
afterAll(() => collector.stop());
const WIDE = 2 ** 31 - 1 - 65_535;

/** What each of the three has of the exchange with this path. */
async function told({ gateway }: Rig<"up">, path: string): Promise<{ line: number; metric: number; span: number }> {
  const line = await until(() => gateway.log.find((each) => each["url.path"] === path), "its line");
  const span = await until(() => collector.spans.find(({ attributes }) => attributes["url.path"] === path), "its span");
  const labels = { sluice_route: path.split("/")[1]! };
  return {
    line: Number(line["http.response.body.size"]),
    metric: sumOf(await scrape(gateway.adminPort), "http_server_response_body_size_bytes_sum", labels),
    span: Number(span.attributes["http.response.body.size"]),
  };
}

withGateway(
  "of a large answer whose client reads 64 KiB and resets",
  {
    origins: {
      up: {
        behaviour: async (x) => {
          const isSized = x.request.target.startsWith("/sized");
          const framing = isSized ? `Content-Length: ${LARGE}` : "Transfer-Encoding: chunked";
          await x.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
          const piece = Buffer.alloc(1024 * 1024, "f");
          for (let at = 0; at < LARGE; at += piece.length) {
            if (!(await (isSized ? x.send(piece) : x.chunk(piece)))) return;
          }
        },
      },
    },
    config: ({ up }) => `
      import { defineGateway } from "sluice";
      const large = { body: "x".repeat(${LARGE}) };
      export default defineGateway({
        listen: { host: "127.0.0.1", port: 0, http2: { h2c: true } },
        admin: { port: 0 },
        tracing: {},
        otlp: { endpoint: "${collector.url}", metrics: false, traces: { delay: "50ms" } },
        upstreams: { up: { targets: ["${up.url}"] } },
        routes: {
          fixed: { match: "/fixed/*", answer: large },
          sized: { match: "/sized/*", to: "up" },
          chunked: { match: "/chunked/*", to: "up" },
          two: { match: "/two/*", answer: large },
        },
      });`,
  },
  (rig) => {
    test.each(["/fixed", "/sized", "/chunked"])(
      "line, metric and span tell what the kernel took: %s",
      async (prefix) => {
        const path = ownPath(prefix);
        using client = await rig.connect();
        await client.send(get(path));
        await client.receiveBytes(READ);
        client.reset();
        const { line, metric, span } = await told(rig, path);
        expect(line).toBeWithin(READ - 1000, LARGE);
        expect({ metric, span }).toEqual({ metric: line, span: line });
      },
    );

    test("over HTTP/2 too", async () => {
      const path = ownPath("/two");
      using client = await rig.connect();
      const wide = settings([4, 2 ** 31 - 1]) + windowUpdate(0, WIDE);
      await client.send(Buffer.from(PREFACE + wide + getFrame(1, path), "latin1"));
      await client.receiveBytes(READ);
      client.reset();
      const { line, metric, span } = await told(rig, path);
      expect(line).toBeWithin(READ - 1000, LARGE);
      expect({ metric, span }).toEqual({ metric: line, span: line });
    });

    test("an upload that is answered early has the size of what came of it", async () => {
      const path = ownPath("/fixed");
      using client = await rig.connect();
      const head = `POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${LARGE}\r\n\r\n`;
      await client.send(head + "x".repeat(1000));
      await client.receiveBytes(READ);
      client.reset();
      const line = await until(() => rig.gateway.log.find((each) => each["url.path"] === path), "its line");
      expect(line["http.request.body.size"]).toBe(1000);
    });
  },
);
