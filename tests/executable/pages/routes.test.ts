// docs/routes.md: its examples as they stand, and what it says beyond them.
import { expect, test } from "bun:test";
import { until } from "../../support/deadline.ts";
import { get, request } from "../../support/messages.ts";
import { answering, plain } from "../../support/origin-exchange.ts";
import { startGateway } from "../../support/executable.ts";
import { exchange } from "../../support/raw-client.ts";
import { withGateway } from "../../support/rig.ts";
import { startOrigin } from "../../support/raw-origin.ts";
import { upgradeRequest } from "../../support/websocket-frames.ts";
import { exampleText } from "./example.ts";

/** Runs an example before one service that plays all of them. */
async function running(
  name: string,
  story: (
    send: (bytes: string) => ReturnType<typeof exchange>,
    origin: Awaited<ReturnType<typeof startOrigin>>,
    routes: () => unknown[],
  ) => Promise<void>,
): Promise<void> {
  const origin = await startOrigin(
    answering(plain("service", "HTTP/1.1 200 OK\r\nServer: old\r\nX-Powered-By: it\r\n")),
  );
  const gateway = await startGateway(exampleText(name), { env: { SHOP: origin.url, PARTNERS: origin.url } });
  try {
    const routes = (): unknown[] => gateway.log.map((line) => line["sluice.route"]);
    await story((bytes) => exchange(gateway.port, bytes), origin, routes);
  } finally {
    await gateway.stop();
    await origin.stop();
  }
}

const PARTNER = ["X-Version: 2", "X-Partner: yes"];
const onHost = (host: string, bytes: string): string => bytes.replace("Host: gw.test", `Host: ${host}`);

const MATCHES: readonly [raw: string, route: string][] = [
  [get("/orders"), "orders"],
  [get("/orders/"), "orders"],
  [get("/orders/7/items"), "orders"],
  [get("/orders-old"), "rest"],
  [get("/ORDERS/7"), "rest"],
  [get("/orders/7"), "order"],
  [get("/%6Frders/7"), "order"],
  [get("/x/../orders/7"), "order"],
  [get("/orders/new"), "newOrder"],
  [request("PUT", "/orders/7", "x"), "save"],
  [request("PATCH", "/orders/7", "x"), "save"],
  [request("DELETE", "/orders/7"), "order"],
  [request("HEAD", "/healthz"), "alive"],
  [get("/livez"), "alive"],
  [onHost("partner.example.com", get("/orders/7?preview", ...PARTNER)), "partner"],
  [onHost("Partner.Example.COM:8443", get("/orders/7?preview=1", ...PARTNER)), "partner"],
  [onHost("a.b.partners.example.com", get("/orders/7?preview", ...PARTNER)), "partner"],
  [onHost("partners.example.com", get("/orders/7?preview", ...PARTNER)), "order"],
  [onHost("partner.example.com", get("/orders/7", ...PARTNER)), "order"],
  [onHost("partner.example.com", get("/orders/7?preview", "X-Partner: yes", "X-Version: 3")), "order"],
  [onHost("partner.example.com", request("PUT", "/orders/7?preview", "x", ...PARTNER)), "save"],
  [get("/"), "rest"],
];

test("match.config.ts: each request takes the route that docs/routes.md says", async () => {
  await running("routes/match.config.ts", async (send, _, routes) => {
    for (const [raw] of MATCHES) await send(raw);
    await until(() => routes().length === MATCHES.length, "a line for each");
    expect(routes()).toEqual(MATCHES.map(([, route]) => route));
  });
});

test("change.config.ts: paths as the service sees them", async () => {
  await running("routes/change.config.ts", async (send, origin) => {
    const paths: [asked: string, seen: string][] = [
      ["/api/items/7?q=a%20b", "/items/7?q=a%20b"],
      ["/api", "/"],
      ["/api/", "/"],
      ["/api/a%2Fb", "/a%2Fb"],
      ["/v1/users/7/photos/2", "/people/7/photos/2"],
      ["/v1/users/7", "/people/7"],
    ];
    for (const [asked] of paths) await send(get(asked));
    expect(origin.requests.map(({ target }) => target)).toEqual(paths.map(([, seen]) => seen));
  });
});

test("change.config.ts: redirects and answers of its own", async () => {
  await running("routes/change.config.ts", async (send, origin) => {
    const sentOn = async (raw: string): Promise<unknown[]> => {
      const { status, fields } = await send(raw);
      return [status, fields.one("location")];
    };
    expect(await sentOn(request("POST", "/old/items/7?a=1", "x"))).toEqual([308, "/api/items/7?a=1"]);
    expect(await sentOn(onHost("www.example.com", get("/a/b?c")))).toEqual([301, "https://example.com/a/b?c"]);
    const robots = await send(get("/robots.txt"));
    expect([robots.fields.one("content-type"), robots.body.text]).toEqual([
      "text/plain; charset=utf-8",
      "User-agent: *\nDisallow: /\n",
    ]);
    const closed = await send(get("/checkout/pay"));
    expect([closed.status, closed.fields.one("retry-after"), closed.body.text]).toEqual([
      503,
      "3600",
      '{"reason":"stocktaking"}',
    ]);
    expect(closed.fields.one("content-type")).toBe("application/json");
    expect(origin.requests).toEqual([]);
  });
});

test("change.config.ts: fields of the request and of the answer", async () => {
  await running("routes/change.config.ts", async (send, origin) => {
    const answer = await send(get("/items/1", "X-Debug: 1", "X_Channel: forged", "x-channel: forged"));
    const { fields } = await origin.requestTo("/items/1");
    expect([fields.all("x-channel"), fields.all("x_channel"), fields.all("x-debug")]).toEqual([["web"], [], []]);
    expect(answer.fields.one("x-frame-options")).toBe("DENY");
    expect([answer.fields.all("server"), answer.fields.all("x-powered-by")]).toEqual([[], []]);
  });
});

test("change.config.ts: a service is asked for a WebSocket on every route but one that says upgrade: []", async () => {
  await running("routes/change.config.ts", async (send, origin) => {
    await send(upgradeRequest("/items/ws"));
    await send(upgradeRequest("/files/ws"));
    const asked = origin.requests.map(({ fields }) => fields.all("upgrade").length);
    expect(asked).toEqual([1, 0]);
  });
});

withGateway(
  "of several routes that take a request the most specific has it",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({
      upstreams: { u1: { targets: [u1.url] } },
      routes: {
        byHost: { match: { path: "/*", host: "a.test" }, answer: { body: "byHost" } },
        byPath: { match: "/long/literal/path", answer: { body: "byPath" } },
        field: { match: { path: "/c", headers: { "X-A": true } }, answer: { body: "field" } },
        both: { match: { path: "/c", headers: { "X-A": true }, query: { q: true } }, answer: { body: "both" } },
        any: { match: "/m", answer: { body: "any" } },
        got: { match: "GET /m", answer: { body: "got" } },
        deep: { match: "/:first/b", answer: { body: "deep" } },
        left: { match: "/a/:second", answer: { body: "left" } },
      },
    }),
  },
  (rig) => {
    const PRECEDENCE: readonly [why: string, raw: string, route: string][] = [
      ["a host goes before any path", onHost("a.test", get("/long/literal/path")), "byHost"],
      ["of paths the longer literal", get("/long/literal/path"), "byPath"],
      ["the leftmost segment that differs decides", get("/a/b"), "left"],
      ["a named method goes before any", get("/m"), "got"],
      ["any method takes the others", request("POST", "/m"), "any"],
      ["more conditions go before fewer", get("/c?q", "X-A: 1"), "both"],
      ["and fewer where more do not hold", get("/c", "X-A: 1"), "field"],
    ];
    test.each(PRECEDENCE)("%s", async (_, raw, route) => {
      expect((await rig.exchange(raw)).body.text).toBe(route);
    });
  },
);
