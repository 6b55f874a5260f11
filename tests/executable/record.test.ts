// The access log as an operator gets it: one JSON line an exchange, whatever strangers send, and no secrets in it.
import { expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { exchange, connect } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { ownPath, withGateway, type Rig } from "../support/rig.ts";

/** The line of the exchange with this path, once it is written. */
async function lineOf(rig: Rig<"u1">, path: string): Promise<Record<string, unknown>> {
  const find = (): Record<string, unknown>[] => rig.gateway.log.filter((line) => line["url.path"] === path);
  await until(() => find().length > 0, `the line of ${path}`);
  expect(find()).toHaveLength(1);
  return find()[0]!;
}

withGateway(
  "the access log",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      upstreams: { u1: { targets: [u1.url] } },
      routes: { all: { match: "/*", to: "u1" }, silent: { match: "/silent/*", to: "u1", log: false } },
      log: { redactQuery: ["pin"] },
    }),
  },
  (rig) => {
    test("says what happened, in the words of OpenTelemetry", async () => {
      const path = ownPath();
      const response = await rig.exchange(request("POST", `${path}?a=1`, "hello", "User-Agent: tester"));
      const line = await lineOf(rig, path);
      expect(line).toMatchObject({
        level: "info",
        request_id: response.fields.one("x-request-id"),
        "http.request.method": "POST",
        "url.path": path,
        "url.query": "a=1",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "client.address": "127.0.0.1",
        "user_agent.original": "tester",
        "http.request.body.size": 5,
        "http.response.body.size": 2,
        "sluice.route": "all",
        "sluice.upstream": "u1",
        "sluice.target": rig.origins.u1.url,
      });
      expect(Math.abs(Date.parse(String(line["time"])) - Date.now())).toBeLessThan(5000);
      expect(line["duration"]).toBeNumber();
    });

    const hostile: [what: string, path: string, field: string][] = [
      ["an encoded line break", '/a%0D%0A{"level":"error"}', "User-Agent: x"],
      ["quotes and backslashes", '/q"\\\\', 'User-Agent: "},{"a":"\\'],
      ["bytes above ASCII", "/\xff\xfe\x80", "User-Agent: \xe2\x80\xa8\xff"],
      ["a very long agent", "/long", `User-Agent: ${"a".repeat(20_000)}`],
      ["tabs", "/tab", "User-Agent: a\tb"],
    ];
    test.each(hostile)("%s stays inside its own line of printable ASCII", async (_, path, field) => {
      const before = rig.gateway.lines.length;
      await rig.exchange(get(path.replaceAll("\\", ""), field));
      await until(() => rig.gateway.lines.length > before, "its line");
      expect(rig.gateway.lines).toHaveLength(before + 1);
      const line = rig.gateway.lines.at(-1)!;
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      expect(line.length).toBeLessThan(8192);
      expect(JSON.parse(line)).toBeObject();
    });

    const secrets = [
      "access_token",
      "api_key",
      "apikey",
      "key",
      "token",
      "code",
      "client_secret",
      "password",
      "X-Amz-Signature",
      "sig",
      "pin",
      "PIN",
    ];
    test.each(secrets)("the value of %s in a query is masked, and forwarded all the same", async (name) => {
      const path = ownPath();
      await rig.exchange(get(`${path}?a=1&${name}=S3CRET&b=2`, "Authorization: Bearer S3CRET", "Cookie: s=S3CRET"));
      const line = await lineOf(rig, path);
      expect(JSON.stringify(line)).not.toContain("S3CRET");
      expect(line["url.query"]).toContain("a=1");
      expect(line["url.query"]).toContain("b=2");
      expect((await rig.origins.u1.requestTo(path)).target).toContain("S3CRET");
    });

    const refused: [what: string, raw: string, status: number, error: string][] = [
      ["a malformed request", "GET /bad path HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http_request_error"],
      ["a large head", get("/", `X: ${"a".repeat(70_000)}`), 431, "header_section_too_large"],
      ["a large target", get(`/${"a".repeat(20_000)}`), 414, "uri_too_long"],
      ["TRACE", request("TRACE", "/traced"), 405, "method_not_allowed"],
    ];
    test.each(refused)("%s has its line too", async (_, raw, status, error) => {
      const before = rig.gateway.lines.length;
      await rig.exchange(raw);
      await until(() => rig.gateway.lines.length > before, "its line");
      const line = rig.gateway.log.at(-1)!;
      expect([line["http.response.status_code"], line["error.type"]]).toEqual([status, error]);
    });

    test("an answer that broke off has its line, as the upstream's fault", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        await x.wait(20);
        x.finish();
      });
      await rig.exchange(get(path));
      const line = await lineOf(rig, path);
      expect([line["level"], line["sluice.error.fault"]]).toEqual(["error", "upstream"]);
      expect(String(line["error.type"])).toMatch(/http_response_incomplete|connection_terminated/);
    });

    test("a route that asks for silence has none", async () => {
      const [silent, loud] = [ownPath("/silent"), ownPath()];
      await rig.exchange(get(silent));
      await rig.exchange(get(loud));
      await lineOf(rig, loud);
      expect(rig.gateway.log.some((line) => line["url.path"] === silent)).toBe(false);
    });
  },
);

test("no line is lost when SIGTERM follows at once", async () => {
  const origin = await startOrigin();
  const gateway = await startGateway({
    upstreams: { u1: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u1" } },
  });
  const count = 500;
  using client = await connect(gateway.port);
  const sent = Array.from({ length: count }, (_, i) => get(`/line/${i}`)).join("");
  void client.send(sent);
  for (let i = 0; i < count; i++) await client.receive();
  await gateway.stop();
  await origin.stop();
  expect(gateway.log.map((line) => line["url.path"])).toEqual(Array.from({ length: count }, (_, i) => `/line/${i}`));
});

test("`log: false` writes nothing", async () => {
  const origin = await startOrigin();
  const gateway = await startGateway({
    log: false,
    upstreams: { u1: { targets: [origin.url] } },
    routes: { all: { match: "/*", to: "u1" } },
  });
  await exchange(gateway.port, get("/"));
  await gateway.stop();
  await origin.stop();
  expect(gateway.lines).toEqual([]);
});
