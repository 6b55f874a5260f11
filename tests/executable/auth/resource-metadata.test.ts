// Protected resource metadata (RFC 9728) on the executable: a client finds it by a challenge, in a browser and out of one.
import { describe, expect, test } from "bun:test";
import { until } from "../../support/deadline.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

withGateway(
  "metadata of protected resources",
  {
    origins: { up: {} },
    config: ({ up }) => `
import { defineGateway, env, introspection } from "sluice";
const server = { url: "http://127.0.0.1:9/introspect", clientId: "gateway", clientSecret: env("SECRET") };
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: ["${up.url}"] } },
  auth: {
    api: introspection({
      ...server,
      resource: {
        id: "https://api.example.com",
        authorizationServers: ["https://login.example.com", "https://other.example.com/tenant"],
        scopes: ["read", "write"],
        name: "Orders",
        documentation: "https://example.com/docs",
      },
    }),
    mcp: introspection({ ...server, issuer: "https://login.example.com", resource: "https://api.example.com/mcp", dpop: "required" }),
    // The same path at another host.
    other: introspection({ ...server, issuer: "https://login.example.com", resource: "https://other.example.com" }),
  },
  routes: {
    mcp: { match: "/mcp/*", to: "up", auth: "mcp" },
    other: { match: { path: "/*", host: "other.example.com" }, to: "up", auth: "other" },
    all: { match: "/*", to: "up", auth: "api" },
    both: { match: "/both", to: "up", auth: ["api", "mcp"] },
  },
});
`,
    start: { env: { SECRET: "s3cret" } },
  },
  (rig) => {
    /** A request to this host. */
    const to = (host: string, raw: string): ReturnType<typeof rig.exchange> =>
      rig.exchange(raw.replace("Host: gw.test", `Host: ${host}`));

    test("is found from a challenge, and says where tokens come from", async () => {
      const refused = await to("api.example.com", get("/orders/1"));
      expect(refused.status).toBe(401);
      const challenge = refused.fields.one("www-authenticate")!;
      const url = new URL(/resource_metadata="([^"]+)"/.exec(challenge)![1]!);
      const answer = await to(url.host, get(url.pathname));
      expect(answer.status).toBe(200);
      expect(answer.fields.one("content-type")).toBe("application/json");
      expect(answer.fields.one("cache-control")).toBe("public, max-age=300");
      expect(answer.fields.one("www-authenticate")).toBeUndefined();
      expect(JSON.parse(answer.body.text)).toEqual({
        resource: "https://api.example.com",
        resource_name: "Orders",
        authorization_servers: ["https://login.example.com", "https://other.example.com/tenant"],
        scopes_supported: ["read", "write"],
        bearer_methods_supported: ["header"],
        resource_documentation: "https://example.com/docs",
        dpop_bound_access_tokens_required: false,
        tls_client_certificate_bound_access_tokens: false,
      });
    });

    test("of a resource with a path is where the path was inserted", async () => {
      const refused = await rig.exchange(get("/mcp/x"));
      expect(refused.fields.one("www-authenticate")).toEndWith(
        `resource_metadata="https://api.example.com${WELL_KNOWN}/mcp"`,
      );
      // Under whatever name the gateway is asked: what counts is `resource`.
      const answer = await to("gw.internal", get(`${WELL_KNOWN}/mcp`));
      expect(JSON.parse(answer.body.text)).toEqual({
        resource: "https://api.example.com/mcp",
        authorization_servers: ["https://login.example.com"],
        bearer_methods_supported: ["header"],
        dpop_signing_alg_values_supported: ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"],
        dpop_bound_access_tokens_required: true,
        tls_client_certificate_bound_access_tokens: false,
      });
    });

    test("of two resources with the same path is told apart by the host", async () => {
      for (const host of ["api.example.com", "other.example.com"]) {
        const { resource } = JSON.parse((await to(host, get(WELL_KNOWN))).body.text) as { resource: string };
        expect(resource).toBe(`https://${host}`);
      }
    });

    test("is named by each scheme of a route", async () => {
      const challenges = (await rig.exchange(get("/both"))).fields.all("www-authenticate");
      expect(challenges.map((challenge) => /resource_metadata="[^"]*(?:\.com)([^"]*)"/.exec(challenge)![1])).toEqual([
        WELL_KNOWN,
        `${WELL_KNOWN}/mcp`,
      ]);
    });

    test("is there for HEAD, with the length of what GET gets", async () => {
      const head = await rig.exchange(request("HEAD", `${WELL_KNOWN}/mcp`));
      const got = await rig.exchange(get(`${WELL_KNOWN}/mcp`));
      expect([head.status, head.body.bytes]).toEqual([200, 0]);
      expect(head.fields.one("content-length")).toBe(String(got.body.bytes));
    });

    describe("is open to scripts of any page:", () => {
      test("a simple request", async () => {
        const answer = await rig.exchange(get(`${WELL_KNOWN}/mcp`, "Origin: https://inspector.example"));
        expect(answer.fields.all("access-control-allow-origin")).toEqual(["*"]);
        expect(answer.fields.one("access-control-allow-credentials")).toBeUndefined();
      });

      test("a preflight, as for the field MCP-Protocol-Version", async () => {
        const fields = [
          "Origin: https://inspector.example",
          "Access-Control-Request-Method: GET",
          "Access-Control-Request-Headers: mcp-protocol-version",
        ];
        const answer = await rig.exchange(request("OPTIONS", `${WELL_KNOWN}/mcp`, "", ...fields));
        expect(answer.status).toBe(204);
        expect(answer.fields.one("access-control-allow-origin")).toBe("*");
        expect(answer.fields.one("access-control-allow-methods")).toBe("GET");
        expect(answer.fields.one("access-control-allow-headers")).toBe("mcp-protocol-version");
      });
    });

    test("takes no part in other requests: they go by the routes of the config", async () => {
      for (const raw of [
        request("POST", `${WELL_KNOWN}/mcp`, "x"),
        get(`${WELL_KNOWN}/mcp/`),
        get(`${WELL_KNOWN}/other`),
        get("/.well-known/oauth-protected-resourceX"),
      ]) {
        const answer = await rig.exchange(raw);
        expect([answer.status, problemOf(answer).code]).toEqual([401, "authentication_required"]);
      }
      expect(rig.origins.up.requests).toHaveLength(0);
    });

    test("stands in the access log under a name of its own", async () => {
      await rig.exchange(get(`${WELL_KNOWN}/mcp?logged`));
      await until(
        () => rig.gateway.lines.some((line) => line.includes('"sluice.resource.mcp"')),
        () => `the name of the route in the log: ${rig.gateway.lines.at(-1)}`,
      );
    });
  },
);
