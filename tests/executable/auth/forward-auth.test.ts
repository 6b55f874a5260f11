// The example config of forward-auth on the executable, with services that speak as oauth2-proxy and Authelia do.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../support/deadline.ts";
import { get, request } from "../../support/messages.ts";
import { type OriginExchange, plain } from "../../support/origin-exchange.ts";
import type { RawOrigin } from "../../support/raw-origin.ts";
import { withGateway } from "../../support/rig.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/forward-auth.config.ts"), "utf8");

/** The example with these addresses in place of its own. */
function exampleWith(ports: Readonly<Record<string, RawOrigin>>): string {
  return Object.entries(ports).reduce(
    (text, [port, { authority }]) => text.replaceAll(`127.0.0.1:${port}`, authority),
    EXAMPLE.replace("port: 8080", "port: 0"),
  );
}

/**
 * oauth2-proxy with --reverse-proxy, --set-xauthrequest and --upstream=static://202: a session passes with 202, whoever has
 * none is sent to /oauth2/start (or gets 401 at /oauth2/auth) with a cookie that guards the login.
 */
async function oauth2Proxy(x: OriginExchange): Promise<void> {
  const { fields, target } = x.request;
  const path = target.split("?", 1)[0];
  const uri = fields.one("x-forwarded-uri");
  const host = fields.one("x-forwarded-host");
  if (path === "/oauth2/start") {
    await x.send("HTTP/1.1 302 Found\r\nLocation: https://idp.example/authorize\r\nContent-Length: 0\r\n\r\n");
  } else if (/_oauth2_proxy=good/.test(fields.one("cookie") ?? "")) {
    const lines = "X-Auth-Request-User: ada\r\nX-Auth-Request-Email: ada@example.com\r\n";
    const cookies = "Set-Cookie: _oauth2_proxy=refreshed; Path=/; HttpOnly\r\nSet-Cookie: _csrf=x\r\n";
    await x.send(plain("Authenticated", `HTTP/1.1 202 Accepted\r\n${lines}${cookies}`));
  } else if (path === "/oauth2/auth") {
    await x.send(plain("Unauthorized\n", "HTTP/1.1 401 Unauthorized\r\n"));
  } else {
    const back = encodeURIComponent(`${fields.one("x-forwarded-proto")}://${host}${uri}`);
    const lines = `Location: /oauth2/start?rd=${back}\r\nSet-Cookie: _oauth2_proxy_csrf=1; Path=/; HttpOnly\r\n`;
    await x.send(`HTTP/1.1 302 Found\r\n${lines}Content-Length: 0\r\n\r\n`);
  }
}

/**
 * Authelia's /api/authz/forward-auth: 400 without what a proxy must say; 200 with Remote-* for a session; else 401 for what
 * is no browser, 302 for GET and HEAD, 303 for other methods, with `rd` and `rm` (chunked, as Go's servers do).
 */
async function authelia(x: OriginExchange): Promise<void> {
  const { fields, method } = x.request;
  const [asked, proto, host, uri] = ["method", "proto", "host", "uri"].map((name) => fields.one(`x-forwarded-${name}`));
  if (method !== "GET" || [asked, proto, host, uri, fields.one("x-forwarded-for")].includes(undefined)) {
    await x.send(plain("Bad Request", "HTTP/1.1 400 Bad Request\r\n"));
  } else if (/authelia_session=(ada|bob)/.test(fields.one("cookie") ?? "")) {
    const user = /authelia_session=(\w+)/.exec(fields.one("cookie")!)![1]!;
    const lines = `Remote-User: ${user}\r\nRemote-Groups: dev,staff\r\nRemote-Name: Ada L\r\nRemote-Email: ${user}@example.com\r\n`;
    await x.send(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`);
  } else if (fields.one("authorization") !== undefined || !(fields.one("accept") ?? "").includes("text/html")) {
    const lines = 'WWW-Authenticate: Basic realm="Authorization Required"\r\nTransfer-Encoding: chunked\r\n';
    await x.send(`HTTP/1.1 401 Unauthorized\r\n${lines}\r\nc\r\nUnauthorized\r\n0\r\n\r\n`);
  } else {
    const status = asked === "GET" || asked === "HEAD" || asked === "OPTIONS" ? "302 Found" : "303 See Other";
    const rd = encodeURIComponent(`${proto}://${host}${uri}`);
    const location = `https://auth.example.com/?rd=${rd}&rm=${asked}`;
    await x.send(plain(`<a href="x">Found</a>`, `HTTP/1.1 ${status}\r\nLocation: ${location}\r\n`));
  }
}

withGateway(
  "the example of forward-auth",
  {
    origins: { shop: {}, wiki: {}, oauth: { behaviour: oauth2Proxy }, authelia: { behaviour: authelia } },
    config: ({ shop, wiki, oauth, authelia }) => exampleWith({ 9001: shop, 9002: wiki, 4180: oauth, 9091: authelia }),
  },
  (rig) => {
    test("sends who has no session at oauth2-proxy to the login, with its cookie", async () => {
      const answer = await rig.exchange(get("/shop/cart?a=1"));
      expect(answer.status).toBe(302);
      expect(decodeURIComponent(answer.fields.one("location")!)).toBe("/oauth2/start?rd=http://gw.test/shop/cart?a=1");
      expect(answer.fields.one("set-cookie")).toStartWith("_oauth2_proxy_csrf=1");
      expect(rig.origins.shop.requests).toHaveLength(0);
      const login = await rig.exchange(get(answer.fields.one("location")!));
      expect(login.fields.one("location")).toBe("https://idp.example/authorize");
    });

    test("lets a session of oauth2-proxy pass, with its names and none of the client's", async () => {
      const forged = ["X-Auth-Request-Email: root", "x_auth_request_email: root", "X-Consumer: root"];
      const answer = await rig.exchange(get("/shop/cart", "Cookie: _oauth2_proxy=good", ...forged));
      expect(answer.status).toBe(200);
      expect(answer.fields.all("set-cookie")).toEqual(["_oauth2_proxy=refreshed; Path=/; HttpOnly"]);
      const { fields } = await rig.origins.shop.requestTo("/shop/cart");
      expect(fields.one("x-auth-request-email")).toBe("ada@example.com");
      expect(fields.one("x-consumer")).toBe("ada");
      expect(fields.text).not.toContain("root");
    });

    test("sends browsers to Authelia's login, and tells others 401 in its words", async () => {
      const browser = await rig.exchange(get("/wiki/page?x=%2F", "Accept: text/html"));
      expect(browser.status).toBe(302);
      expect(browser.fields.one("location")).toEndWith("%2Fwiki%2Fpage%3Fx%3D%252F&rm=GET");
      const form = await rig.exchange(request("POST", "/wiki/page", "hi", "Accept: text/html"));
      expect(form.status).toBe(303);
      const script = await rig.exchange(get("/wiki/page", "Accept: application/json"));
      expect([script.status, script.body.text]).toEqual([401, "Unauthorized"]);
      expect(script.fields.all("www-authenticate")).toEqual(['Basic realm="Authorization Required"']);
      expect(rig.origins.wiki.requests).toHaveLength(0);
    });

    test("lets a session of Authelia pass, and its consumer to what needs a group", async () => {
      const ada = await rig.exchange(get("/wiki/admin/users", "Cookie: authelia_session=ada"));
      expect(ada.status).toBe(200);
      const { fields } = await rig.origins.wiki.requestTo("/wiki/admin/users");
      expect([fields.one("remote-user"), fields.one("x-full-name"), fields.one("remote-groups")]).toEqual([
        "ada",
        "Ada L",
        "dev,staff",
      ]);
      const bob = await rig.exchange(get("/wiki/admin/users", "Cookie: authelia_session=bob", "Remote-User: ada"));
      expect(bob.status).toBe(403);
    });

    test("asks for uploads before they are sent, and forwards them whole", async () => {
      const body = "x".repeat(300_000);
      const answer = await rig.exchange(
        request("PUT", "/wiki/file", body, "Cookie: authelia_session=ada", "Expect: 100-continue"),
      );
      expect(answer.status).toBe(200);
      expect((await rig.origins.wiki.requestTo("/wiki/file")).body.bytes).toBe(body.length);
    });

    test("lets nobody pass while the service is down", async () => {
      await rig.origins.authelia.stop();
      const answer = await rig.exchange(get("/wiki/page", "Cookie: authelia_session=ada"));
      expect(answer.status).toBe(503);
      expect(answer.body.text).toContain('"code":"authentication_unavailable"');
      const isRecorded = (): boolean =>
        rig.gateway.log.some((line) => line["error.type"] === "authentication_unavailable");
      await until(isRecorded, () => `the record of the refusal: ${rig.gateway.lines.join("\n")}`);
    });
  },
);
