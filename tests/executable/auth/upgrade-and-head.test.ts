// WebSocket upgrades and HEAD pass the same policies as GET, whatever the kind of scheme.
import { describe, expect, test } from "bun:test";
import { accept, openWebSocket } from "../../cases/websocket-steps.ts";
import { problemOf, request } from "../../support/messages.ts";
import { ownPath, withGateway } from "../../support/rig.ts";
import { upgradeRequest } from "../../support/websocket-frames.ts";

const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

withGateway(
  "a guarded route",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: ["${u1.url}"] } },
  consumers: { acme: { groups: ["team"], keys: ["${hashOf("acme-key")}"] }, beta: { keys: ["${hashOf("beta-key")}"] } },
  auth: { key: apiKey() },
  routes: { all: { match: "/*", to: "u1", auth: "key", allow: { groups: ["team"] } } },
});
`,
  },
  (rig) => {
    const REFUSED = [
      ["without a key", "", 401, "authentication_required"],
      ["with a wrong key", "X-API-Key: guessed\r\n", 401, "invalid_credentials"],
      ["with the key of a consumer who may not", "X-API-Key: beta-key\r\n", 403, "access_denied"],
    ] as const;

    describe("refuses", () => {
      test.each(REFUSED)("a WebSocket %s, and its origin hears nothing", async (_, line, status, code) => {
        const path = ownPath();
        const response = await rig.exchange(upgradeRequest(path, line));
        expect(response.status).toBe(status);
        expect(problemOf(response).code).toBe(code);
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
      });

      test.each(REFUSED)("HEAD %s, with the length of what GET would get", async (_, line, status) => {
        const path = ownPath();
        const fields = line === "" ? [] : [line.trim()];
        const head = await rig.exchange(request("HEAD", path, "", ...fields));
        const get = await rig.exchange(request("GET", path, "", ...fields));
        expect([head.status, head.body.bytes]).toEqual([status, 0]);
        expect(head.fields.one("content-length")).toBe(get.fields.one("content-length")!);
        expect(head.fields.one("www-authenticate")).toBe(get.fields.one("www-authenticate"));
        expect(rig.origins.u1.requestsTo(path)).toHaveLength(0);
      });
    });

    test("a WebSocket with a good key is opened; the origin is told who calls and never sees the key", async () => {
      const path = ownPath();
      rig.origins.u1.at(path, async (x) => {
        await accept(x);
        await x.hang();
      });
      using client = await rig.connect();
      await openWebSocket(client, path, "X-API-Key: acme-key\r\nX-Consumer: root\r\n");
      const { fields } = await rig.origins.u1.requestTo(path);
      expect(fields.one("x-consumer")).toBe("acme");
      expect(fields.one("x-api-key")).toBeUndefined();
    });
  },
);
