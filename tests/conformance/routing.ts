// Conformance: which route takes a request, and what the gateway answers by itself.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import type { Promised } from "./kit.ts";

/** Promises about routes and fixed answers. */
export const ROUTING: readonly Promised[] = [
  {
    name: "a request that no route takes is answered 404 as a problem document",
    async holds({ send }) {
      const response = await send(get("/nowhere"));
      expect(response.status).toBe(404);
      expect(problemOf(response).code).toBe("route_not_found");
      expect(response.fields.one("cache-control")).toBe("no-store");
    },
  },
  {
    name: "a path that other methods have is answered 405 with Allow",
    async holds({ send }) {
      const response = await send(request("DELETE", "/methods"));
      expect(response.status).toBe(405);
      expect(problemOf(response).code).toBe("method_not_allowed");
      const allowed = response.fields.one("allow")!.split(/, */).toSorted();
      expect(allowed).toEqual(["GET", "HEAD", "POST", "PUT"]);
    },
  },
  {
    name: "the most specific route wins, whatever the order of the config",
    async holds({ send }) {
      expect((await send(get("/all/special"))).body.text).toBe("special");
    },
  },
  {
    name: "a trailing * takes the prefix itself and all below it, a literal path nothing but itself",
    async holds({ send }) {
      expect((await send(get("/all"))).status).toBe(200);
      expect((await send(get("/all/a/b/"))).status).toBe(200);
      expect((await send(get("/exact/"))).status).toBe(404);
    },
  },
  {
    name: "a parameter takes one segment that is not empty",
    async holds({ send }) {
      expect((await send(get("/one/x"))).status).toBe(200);
      expect((await send(get("/one/"))).status).toBe(404);
      expect((await send(get("/one/x/y"))).status).toBe(404);
    },
  },
  {
    name: "the host, fields and query decide where the config says so",
    async holds({ send }) {
      const at = (host: string) => send(`GET /hosted HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect((await at("api.example.test")).body.text).toBe("api");
      expect((await at("API.example.test:8080")).body.text).toBe("api");
      expect((await at("other.example.test")).body.text).toBe("else");
      expect((await send(get("/keyed?v=1", "X-Kind: a"))).body.text).toBe("keyed");
      expect((await send(get("/keyed?v=2", "X-Kind: a"))).status).toBe(404);
      expect((await send(get("/keyed?v=1"))).status).toBe(404);
    },
  },
  {
    name: "dot segments are resolved before a route is looked for",
    async holds({ send }) {
      expect((await send(get("/elsewhere/%2e%2e/fixed"))).status).toBe(418);
      expect((await send(get("/elsewhere/../fixed"))).status).toBe(418);
    },
  },
  {
    name: "a fixed answer has its status, fields and text",
    async holds({ send }) {
      const response = await send(get("/fixed"));
      expect(response.status).toBe(418);
      expect(response.fields.one("x-fixed")).toBe("yes");
      expect(response.body.text).toBe("short and stout");
    },
  },
  {
    name: "a fixed answer that is no text is JSON",
    async holds({ send }) {
      const response = await send(get("/json"));
      expect(response.fields.one("content-type")).toStartWith("application/json");
      expect(JSON.parse(response.body.content.toString("utf8"))).toEqual({ a: [1, "é"] });
    },
  },
  {
    name: "HEAD of a fixed answer has its length and no content",
    async holds({ send }) {
      const response = await send(request("HEAD", "/fixed"));
      expect(response.status).toBe(418);
      expect(response.fields.one("content-length")).toBe("15");
      expect(response.body.bytes).toBe(0);
    },
  },
  {
    name: "a redirect carries over parameters and query",
    async holds({ send }) {
      const response = await send(get("/moved/a%2Fb?x=1&y=%20"));
      expect(response.status).toBe(308);
      expect(response.fields.one("location")).toBe("/one/a%2Fb?x=1&y=%20");
    },
  },
  {
    name: "every answer has a request id, the access log has the same, and a client's own is not believed",
    async holds({ send, log }) {
      const response = await send(get("/fixed", "X-Request-ID: chosen-by-the-client"));
      const id = response.fields.one("x-request-id")!;
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      await until(() => log().some((line) => line["request_id"] === id), "the line of the access log");
    },
  },
];
