// Cross-origin calls through the whole gateway: before auth, and on every answer whatever became of it (case GW-47).
import { expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { inWorld } from "../support/fake-world.ts";

const hash = `sha256:${new Bun.CryptoHasher("sha256").update("good").digest("hex")}` as const;
const cors = { origins: ["https://app.test"] };
const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: { acme: { keys: [hash] } },
  auth: { key: apiKey() },
  routes: {
    x: { match: "GET|POST /x", to: "up", auth: "key", cors },
    bare: { match: "/bare", to: "up", auth: "key" },
    all: { match: "/all", to: "up", auth: "key", cors },
  },
};
const ORIGIN = "Origin: https://app.test";
const ASKS = "Access-Control-Request-Method: POST";

test("a preflight is answered before auth, without a call of the upstream", () => {
  inWorld(OPTIONS, (world) => {
    const { answer } = world.ask("OPTIONS", "/x", [ORIGIN, ASKS]);
    expect(answer.status).toBe(204);
    expect(fieldOf(answer, "access-control-allow-origin")).toBe("https://app.test");
    expect(fieldOf(answer, "access-control-allow-methods")).toBe("GET, HEAD, POST");
    expect(fieldOf(answer, "vary")).toBe("Access-Control-Request-Method, Access-Control-Request-Headers, Origin");
    expect(world.a.connections).toHaveLength(0);
  });
});

test("a preflight for a route that takes any method is told that its method may come", () => {
  inWorld(OPTIONS, (world) => {
    const { answer } = world.ask("OPTIONS", "/all", [ORIGIN, "Access-Control-Request-Method: DELETE"]);
    expect(answer.status).toBe(204);
    expect(fieldOf(answer, "access-control-allow-methods")).toBe("DELETE");
  });
});

test("a preflight from another origin is refused in the one vocabulary", () => {
  inWorld(OPTIONS, (world) => {
    const { answer } = world.ask("OPTIONS", "/x", ["Origin: https://evil.test", ASKS]);
    expect(answer.status).toBe(403);
    expect(fieldOf(answer, "access-control-allow-origin")).toBeUndefined();
    expect(world.record["error.type"]).toBe("origin_not_allowed");
  });
});

test.each([
  ["a plain OPTIONS is treated as any method: where routes take it, auth is asked", "/all", [], 401],
  ["a plain OPTIONS is treated as any method: where no route takes it, that is said", "/x", [], 405],
  ["an OPTIONS with Origin alone is no preflight", "/all", [ORIGIN], 401],
  [
    "a preflight for a method that no route takes is none of ours",
    "/x",
    [ORIGIN, "Access-Control-Request-Method: PUT"],
    405,
  ],
  ["a preflight for a route without cors passes its policies", "/bare", [ORIGIN, ASKS], 401],
  ["a preflight for a path without a route is 404", "/none", [ORIGIN, ASKS], 404],
] as const)("%s", (_, path, fields, status) => {
  inWorld(OPTIONS, (world) => {
    expect(world.ask("OPTIONS", path, fields).answer.status).toBe(status);
    expect(world.a.connections).toHaveLength(0);
  });
});

test("refusals and failures carry the fields too, so that the browser shows the true error", () => {
  inWorld(OPTIONS, (world) => {
    const refused = world.ask("GET", "/x", [ORIGIN]).answer;
    expect(refused.status).toBe(401);
    expect(fieldOf(refused, "access-control-allow-origin")).toBe("https://app.test");
    expect(fieldOf(refused, "vary")).toBe("Origin");
    const client = world.ask("GET", "/x", [ORIGIN, "X-API-Key: good"]);
    world.a.last.send("garbage\r\n\r\n");
    world.settle();
    expect(client.answer.status).toBe(502);
    expect(fieldOf(client.answer, "access-control-allow-origin")).toBe("https://app.test");
  });
});

test("a page of another origin gets its answer without leave to read it", () => {
  inWorld(OPTIONS, (world) => {
    const client = world.ask("GET", "/x", ["Origin: https://evil.test", "X-API-Key: good"]);
    world.a.last.answer(200, "hello", ["Access-Control-Allow-Origin: *"]);
    world.settle();
    expect(client.answer.status).toBe(200);
    expect(fieldOf(client.answer, "access-control-allow-origin")).toBeUndefined();
    expect(fieldOf(client.answer, "vary")).toBe("Origin");
  });
});
