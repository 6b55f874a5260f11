// Calls of gRPC that the gateway fails by itself: one HEADERS frame with a status of gRPC's, and a record that tells the failure.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { headers, lines } from "../support/http2-frames.ts";
import { inHttp2, overHttp2 } from "../support/http2-world.ts";

const call = (stream: number, path: string, end = true, type = "application/grpc"): string =>
  headers(stream, lines("POST", path, [["content-type", type]]), end);

const OPTIONS: GatewayOptions = overHttp2(
  {},
  {
    limits: { two: { limit: 2, window: "1h", by: "address", statuses: [503] } },
    upstreams: {
      up: { targets: ["http://a.test"] },
      kept: { targets: ["http://a.test"], fallback: { answer: { status: 503, body: "kept" } } },
    },
    routes: {
      up: { match: "/up", to: "up" },
      kept: { match: "/kept", to: "kept" },
      closed: { match: "/closed", answer: { status: 503, body: "back at ten", headers: { "Retry-After": "60" } } },
      hello: { match: "/hello", answer: { body: "hello" } },
      shaped: {
        match: "/shaped",
        answer: { status: 503, body: "x" },
        use: [async (_: unknown, next: () => Promise<void>) => next()],
      },
      few: { match: "/few", limits: ["two"], answer: { status: 503 } },
    } as never,
  },
);

describe("a call that the gateway fails", () => {
  test.each([
    ["of no route", "/none", 404, "12", "route_not_found: No route", "route_not_found"],
    ["with an answer of the config", "/closed", 503, "14", "back at ten", undefined],
    ["with one that middleware has seen", "/shaped", 503, "14", "x", undefined],
  ])("%s ends with its head, and is recorded as the failure it is", (_, path, status, code, message, error) => {
    inHttp2((client, world) => {
      client.send(call(1, path));
      const [head, ...more] = client.frames("HEADERS", 1);
      expect(more).toEqual([]);
      expect(client.frames("DATA", 1)).toEqual([]);
      expect(head!.flags & 1).toBe(1);
      const answer = client.answer();
      expect(answer).toMatchObject({ status: 200, complete: true, reset: undefined });
      expect(answer.fields).toContain("content-type: application/grpc");
      expect(answer.fields).toContain(`grpc-status: ${code}`);
      expect(answer.fields).toContain(`grpc-message: ${message}`);
      expect(answer.fields.join("\n")).toMatch(/^x-request-id: /m);
      expect(answer.fields.join("\n")).not.toMatch(/^content-length: /m);
      expect(world.record["http.response.status_code"]).toBe(status);
      expect(world.record["error.type"]).toBe(error as never);
    }, OPTIONS);
  });

  test("whose target is down is told so", () => {
    inHttp2((client, world) => {
      world.a.reception = "ECONNREFUSED";
      client.send(call(1, "/up"));
      world.settle();
      expect(client.answer().fields).toContain("grpc-status: 14");
      expect(client.answer().fields).toContain("proxy-status: sluice; error=connection_refused");
      expect(world.record).toMatchObject({ "http.response.status_code": 502, "error.type": "connection_refused" });
    }, OPTIONS);
  });

  test("in place of an upstream's answer gets the fallback's", () => {
    inHttp2((client, world) => {
      world.a.reception = "ECONNREFUSED";
      client.send(call(1, "/kept"));
      world.settle();
      expect(client.answer().fields).toContain("grpc-message: kept");
      expect(world.record["http.response.status_code"]).toBe(503);
    }, OPTIONS);
  });

  test("while it still sends is asked to send no more, without an error", () => {
    inHttp2((client) => {
      client.send(call(1, "/none", false));
      expect(client.answer()).toMatchObject({ status: 200, complete: true, reset: 0 });
    }, OPTIONS);
  });

  test("counts for limits by its own status", () => {
    inHttp2((client, world) => {
      for (const stream of [1, 3, 5]) client.send(call(stream, "/few"));
      expect(client.answer(3).fields).toContain("grpc-status: 14");
      expect(client.answer(5).fields).toContain("grpc-status: 8");
      expect(client.answer(5).fields.join("\n")).toMatch(/^retry-after: \d+$/m);
      expect(world.records.map((each) => each["http.response.status_code"])).toEqual([503, 503, 429]);
    }, OPTIONS);
  });
});

describe("what is left alone", () => {
  test.each([
    ["an upstream's own failure", "/up", "application/grpc", 503],
    ["gRPC-Web", "/none", "application/grpc-web+proto", 404],
    ["an answer of the config that is none", "/hello", "application/grpc", 200],
  ])("%s", (_, path, type, status) => {
    inHttp2((client, world) => {
      client.send(call(1, path, true, type));
      if (path === "/up") world.a.last.answer(503);
      world.settle();
      expect(client.answer().status).toBe(status);
      expect(client.answer().fields.join("\n")).not.toContain("grpc-status");
      expect(world.record["http.response.status_code"]).toBe(status);
    }, OPTIONS);
  });
});

test("over HTTP/1.1 it is a problem as for everybody", () => {
  inHttp2((_, world) => {
    const client = world.client();
    client.send("POST /none HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n");
    world.settle();
    expect(client.received).toStartWith("HTTP/1.1 404 ");
    expect(client.received).toContain("application/problem+json");
  }, OPTIONS);
});
