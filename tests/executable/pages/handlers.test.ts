// docs/handlers.md: its example as it stands.
import { expect, test } from "bun:test";
import { get, problemOf, request } from "../../support/messages.ts";
import { until } from "../../support/deadline.ts";
import { withGateway } from "../../support/rig.ts";
import { exampleText } from "./example.ts";

withGateway(
  "handlers.config.ts",
  {
    origins: { shop: {} },
    config: ({ shop }) => exampleText("handlers.config.ts").replace("http://127.0.0.1:9001", shop.url),
  },
  (rig) => {
    test("a handler answers, with what the pattern took", async () => {
      expect((await rig.exchange(get("/hello/Ada"))).body.text).toBe('{"hello":"Ada","from":"127.0.0.1"}');
    });

    test("middleware of Hono's refuses before the handler", async () => {
      expect((await rig.exchange(request("POST", "/echo", "tea"))).body.text).toBe("tea");
      expect((await rig.exchange(request("POST", "/echo", "x".repeat(2000)))).status).toBe(413);
    });

    test("middleware of one's own changes what goes on and what comes back, or answers by itself", async () => {
      const open = await rig.exchange(get("/shop/1"));
      expect([open.status, open.fields.one("x-open")]).toEqual([200, "yes"]);
      expect((await rig.origins.shop.requestTo("/shop/1")).fields.one("x-caller")).toBe("somebody");
      rig.origins.shop.clear();
      expect((await rig.exchange(get("/shop/1", "X-Closed: 1"))).status).toBe(503);
      expect(rig.origins.shop.requests).toEqual([]);
    });

    test("what is thrown is 500 for the client, and stands in the log", async () => {
      const answer = await rig.exchange(get("/broken"));
      expect([answer.status, problemOf(answer).code]).toEqual([500, "proxy_internal_error"]);
      expect(answer.body.text).not.toContain("number");
      const line = await until(() => rig.gateway.log.find((each) => each["url.path"] === "/broken"), "its line");
      expect(line["sluice.error.detail"]).toBe("RangeError: no such number");
    });
  },
);
