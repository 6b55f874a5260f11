// Introspection on the executable: the example, and an authorization server that misbehaves on every level of the wire.
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { certificates } from "../../support/certificates.ts";
import { until } from "../../support/deadline.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import { plain } from "../../support/origin-exchange.ts";
import { withGateway } from "../../support/rig.ts";
import { jsonAnswer, type Reaction, TokenEndpoint } from "../../support/token-endpoint.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/introspection.config.ts"), "utf8");
const RIGHT = { active: true, iss: "https://login.example.com", aud: "https://api.example.com" };
const endpoint = new TokenEndpoint("gateway", "s3cret");

const env: Record<string, string> = { INTROSPECTION_SECRET: "s3cret" };

withGateway(
  "the example of introspection",
  {
    origins: { orders: {}, login: { behaviour: endpoint.behaviour } },
    config({ orders, login }) {
      env["ORDERS"] = orders.url;
      env["INTROSPECTION_URL"] = `${login.url}/oauth2/introspect`;
      return EXAMPLE.replace("port: 8080", "port: 0");
    },
    start: { env },
  },
  (rig) => {
    const bearer = (token: string): string => `Authorization: Bearer ${token}`;

    test("lets a token pass that is active, and tells the upstream whose it is", async () => {
      endpoint.about.set("good", { ...RIGHT, client_id: "acme-app", username: "ada", scope: "orders:read" });
      const answer = await rig.exchange(get("/orders/1", bearer("good"), "X-User: root", "X-Consumer: root"));
      expect(answer.status).toBe(200);
      const { fields } = await rig.origins.orders.requestTo("/orders/1");
      expect([fields.all("x-user"), fields.all("x-consumer")]).toEqual([["ada"], ["acme"]]);
      expect((await rig.exchange(get("/orders/2", bearer("good")))).status).toBe(200);
      expect(endpoint.asked.filter((token) => token === "good")).toHaveLength(1);
    });

    test("demands the scope of the route, and says which", async () => {
      endpoint.about.set("reader", { ...RIGHT, scope: "orders:read" });
      const answer = await rig.exchange(request("PUT", "/orders/1", "x", bearer("reader")));
      expect([answer.status, problemOf(answer).code]).toEqual([403, "insufficient_scope"]);
      expect(answer.fields.all("www-authenticate")).toEqual([
        'Bearer realm="sluice", error="insufficient_scope", scope="orders:write", ' +
          'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"',
      ]);
    });

    const REFUSED: readonly (readonly [
      what: string,
      fields: readonly string[],
      status: number,
      error: string,
      about?: Reaction,
    ])[] = [
      ["no token", [], 401, ""],
      ["a token that nobody knows", [bearer("unknown")], 401, "invalid_token"],
      ["a token without audience", [bearer("anywhere")], 401, "invalid_token"],
      ["a token that is bound to a key", [bearer("bound")], 401, "invalid_token"],
      ["a token that refreshes", [bearer("refresh")], 401, "invalid_token"],
      ["a token that is none", ["Authorization: Bearer a,b"], 400, "invalid_request"],
    ];
    endpoint.about.set("anywhere", { active: true, iss: RIGHT.iss });
    endpoint.about.set("bound", { ...RIGHT, cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } });
    endpoint.about.set("refresh", { ...RIGHT, token_use: "refresh_token" });
    test.each(REFUSED)("refuses %s, with the place of its metadata", async (_, fields, status, error) => {
      const answer = await rig.exchange(get("/orders/refused", ...fields));
      expect(answer.status).toBe(status);
      const challenge = answer.fields.one("www-authenticate")!;
      expect(challenge).toStartWith(`Bearer realm="sluice"${error === "" ? "," : `, error="${error}"`}`);
      expect(challenge).toEndWith('resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"');
      expect(rig.origins.orders.requestsTo("/orders/refused")).toHaveLength(0);
    });

    test("refuses a token by HEAD and by an upgrade as well", async () => {
      const head = await rig.exchange(request("HEAD", "/orders/refused", "", bearer("unknown")));
      expect([head.status, head.body.bytes]).toEqual([401, 0]);
      const upgrade = [
        "Connection: upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: eA==",
        "Sec-WebSocket-Version: 13",
      ];
      expect((await rig.exchange(get("/orders/refused", bearer("unknown"), ...upgrade))).status).toBe(401);
      expect(rig.origins.orders.requestsTo("/orders/refused")).toHaveLength(0);
    });

    test("asks once about a token that many show at the same time", async () => {
      endpoint.about.set("shared", async (x) => {
        await x.wait(50);
        await x.send(jsonAnswer({ ...RIGHT, scope: "orders:read" }));
      });
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => rig.exchange(get("/orders/shared", bearer("shared")))),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(endpoint.asked.filter((token) => token === "shared")).toHaveLength(1);
    });

    test("writes no token and no secret anywhere", async () => {
      await rig.exchange(get("/orders/1", bearer("verysecrettoken")));
      await until(
        () => rig.gateway.log.some((line) => line["error.type"] === "invalid_credentials"),
        () => "the record of the refusal",
      );
      for (const secret of ["verysecrettoken", "s3cret", "bound"]) {
        expect(rig.gateway.lines.join("\n")).not.toContain(`"${secret}"`);
      }
      expect(rig.gateway.lines.join("\n") + rig.gateway.stderr.text).not.toMatch(/verysecrettoken|s3cret/);
    });
  },
);

const hostile = new TokenEndpoint("gateway", "s3cret");
const good = { active: true };
const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const text = JSON.stringify(good);

const MISBEHAVIOURS: readonly (readonly [what: string, reaction: (elsewhere: string) => Reaction])[] = [
  ["says nothing", () => (x) => x.hang()],
  ["closes at once", () => (x) => x.finish()],
  ["resets", () => (x) => x.reset()],
  ["talks nonsense", () => (x) => x.send("what?\r\n\r\n")],
  [
    "ends in the middle of the head",
    () => async (x) => {
      await x.send("HTTP/1.1 200 OK\r\nContent-Ty");
      x.finish();
    },
  ],
  [
    "ends in the middle of the content",
    () => async (x) => {
      await x.send(`${head}Content-Length: 100\r\n\r\n${text}`);
      x.finish();
    },
  ],
  [
    "ends in the middle of a chunk",
    () => async (x) => {
      await x.send(`${head}Transfer-Encoding: chunked\r\n\r\nff\r\n${text}`);
      x.finish();
    },
  ],
  [
    "drips",
    () => async (x) => {
      await x.send(`${head}Content-Length: ${text.length}\r\n\r\n`);
      for (const letter of text) {
        if (!(await x.send(letter)) || !(await x.wait(200))) return;
      }
    },
  ],
  [
    "never ends",
    () => async (x) => {
      await x.send(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      const piece = '"x",'.repeat(4096);
      await x.chunk("[");
      while (await x.chunk(piece)) if (!(await x.wait(1))) return;
    },
  ],
  [
    "sends elsewhere",
    (elsewhere) => (x) => x.send(plain("", `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${elsewhere}/\r\n`)),
  ],
  ["answers 500 with the right JSON", () => (x) => x.send(jsonAnswer(good, "HTTP/1.1 500 Internal Server Error\r\n"))],
  ["answers 401 with the right JSON", () => (x) => x.send(jsonAnswer(good, "HTTP/1.1 401 Unauthorized\r\n"))],
  [
    "answers 203 with the right JSON",
    () => (x) => x.send(jsonAnswer(good, "HTTP/1.1 203 Non-Authoritative Information\r\n")),
  ],
  ["answers 204", () => (x) => x.send("HTTP/1.1 204 No Content\r\n\r\n")],
  [
    "answers with a page",
    () => (x) => x.send(plain("<html>active</html>", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")),
  ],
  [
    "answers by gzip",
    () => async (x) => {
      const content = gzipSync(text);
      await x.send(`${head}Content-Encoding: gzip\r\nContent-Length: ${content.length}\r\n\r\n`);
      await x.send(content);
    },
  ],
  ["says active by a text", () => ({ active: "true" })],
  ["says active by a number", () => ({ active: 1 })],
  ["says nothing of active", () => ({ sub: "root", scope: "admin" })],
  ["answers with a list", () => [good]],
];

withGateway(
  "an authorization server that",
  {
    origins: {
      up: {},
      login: { behaviour: hostile.behaviour },
      elsewhere: { behaviour: (x) => x.send(jsonAnswer(good)) },
    },
    config: ({ up, login }) => `
import { defineGateway, env, introspection } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: ["${up.url}"] } },
  auth: { token: introspection({ url: "${login.url}/introspect", clientId: "gateway", clientSecret: env("SECRET"), timeout: "1s", cache: "1m" }) },
  routes: { all: { match: "/*", to: "up", auth: "token" } },
});
`,
    start: { env: { SECRET: "s3cret" } },
  },
  (rig) => {
    const ask = (path: string, token: string): ReturnType<typeof rig.exchange> =>
      rig.exchange(get(path, `Authorization: Bearer ${token}`));

    describe("misbehaves lets nobody pass:", () => {
      test.each(MISBEHAVIOURS.map(([what, reaction], i) => [what, reaction, `token-${i}`] as const))(
        "one that %s",
        async (what, reaction, token) => {
          hostile.about.set(token, reaction(rig.origins.elsewhere.url));
          const answer = await ask(`/${token}`, token);
          expect([answer.status, problemOf(answer).code]).toEqual([503, "authentication_unavailable"]);
          expect(answer.fields.one("retry-after")).toMatch(/^\d+$/);
          expect(answer.body.text).not.toContain("127.0.0.1");
          expect(hostile.asked, what).toContain(token);
          expect(rig.origins.up.requestsTo(`/${token}`)).toHaveLength(0);
          expect(rig.origins.elsewhere.requests).toHaveLength(0);
          // All is well again at once: what it did is not kept.
          hostile.about.set(token, good);
          expect((await ask(`/${token}`, token)).status).toBe(200);
        },
      );
    });

    test("is down is left in peace, known tokens pass, and all is well once it is back", async () => {
      hostile.about.set("known", good);
      expect((await ask("/known", "known")).status).toBe(200);
      const down: Reaction = (x) => x.send(jsonAnswer({}, "HTTP/1.1 503 Service Unavailable\r\n"));
      const before = hostile.asked.length;
      for (let i = 0; i < 30; i++) {
        hostile.about.set(`down-${i}`, down);
        expect((await ask("/down", `down-${i}`)).status).toBe(503);
      }
      expect(hostile.asked.length - before).toBeLessThanOrEqual(5);
      expect((await ask("/known", "known")).status).toBe(200);
      expect(rig.gateway.stderr.text).toContain("is down: it answered 503");
      hostile.about.set("fresh", good);
      let status = 0;
      await until(
        async () => (status = (await ask("/fresh", "fresh")).status) === 200,
        () => `a new token to pass; the last answer was ${status}`,
      );
      expect(rig.gateway.stderr.text).toContain("is back");
      expect(rig.origins.up.requestsTo("/down")).toHaveLength(0);
    });

    test("knows the gateway by another secret is told to the operator", async () => {
      hostile.about.set("denied", (x) =>
        x.send(jsonAnswer({ error: "invalid_client" }, "HTTP/1.1 401 Unauthorized\r\n")),
      );
      await ask("/denied", "denied");
      await until(
        () =>
          rig.gateway.log.some((line) =>
            String(line["sluice.error.detail"]).includes("clientId or clientSecret is wrong"),
          ),
        () => `the reason in the access log: ${rig.gateway.lines.slice(-3).join("\n")}`,
      );
    });
  },
);

withGateway(
  "an authorization server behind TLS",
  {
    needs: ["openssl"],
    origins: () => ({ up: {}, login: { behaviour: hostile.behaviour, tls: certificates().local } }),
    config: ({ up, login }) => `
import { defineGateway, env, introspection } from "sluice";
const server = { url: "${login.url}/introspect", clientId: "gateway", clientSecret: env("SECRET") };
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: ["${up.url}"] } },
  auth: {
    trusted: introspection({ ...server, tls: { ca: ${JSON.stringify(certificates().ca.cert)} } }),
    strange: introspection({ ...server, tls: { ca: ${JSON.stringify(certificates().otherCa.cert)} } }),
    unknown: introspection(server),
  },
  routes: {
    trusted: { match: "/trusted", to: "up", auth: "trusted" },
    strange: { match: "/strange", to: "up", auth: "strange" },
    unknown: { match: "/unknown", to: "up", auth: "unknown" },
  },
});
`,
    start: { env: { SECRET: "s3cret" } },
  },
  (rig) => {
    test.each([
      ["/trusted", 200],
      ["/strange", 503],
      ["/unknown", 503],
    ])("is believed by its certificate alone: %s", async (path, status) => {
      hostile.about.set("by-tls", good);
      const before = hostile.asked.length;
      expect((await rig.exchange(get(path, "Authorization: Bearer by-tls"))).status).toBe(status);
      expect(hostile.asked.length - before).toBe(status === 200 ? 1 : 0);
    });
  },
);
