// Messages that are allowed and odd: what they must not bring about.
import { describe, expect, test } from "bun:test";
import { answerOf } from "../../src/http/web-message.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { inWorld, toUpstream } from "../support/fake-world.ts";

test("an empty line behind a body begins no request: the connection waits for the next as long as for any", () => {
  inWorld(toUpstream({}, { listen: { timeouts: { head: "1s", keepAlive: "1h" } } }), (world) => {
    const client = world.client();
    client.send("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\n\r\na\r\n");
    world.settle();
    world.a.last.answer(200, "ok");
    world.settle();
    world.advance(60_000);
    expect(client.answers).toHaveLength(1);
    expect(client.received).not.toContain("408");
    client.end();
    world.settle();
  });
});

test("204 says no length, whatever its target says to HEAD (RFC 9110 section 8.6)", () => {
  inWorld(toUpstream(), (world) => {
    const client = world.ask("HEAD", "/");
    world.a.last.send("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    world.settle();
    expect(client.answer.status).toBe(204);
    expect(fieldOf(client.answer, "content-length")).toBeUndefined();
  });
});

describe("a reason phrase of the user's own code", () => {
  test.each([
    ["a line break", "a\r\nX-Evil: 1"],
    ["characters that lose their high bits", "a\u010d\u010aX-Evil: 1"],
    ["NUL", "a\0b"],
  ])("with %s is none", (_, statusText) => {
    const response = new Response("x");
    Object.defineProperty(response, "statusText", { value: statusText });
    expect(answerOf(response).reason).toBeUndefined();
  });
});

test.each(["a:99999", "[:::]", "256.1.1.1"])("Host: %s is refused", (host) => {
  inWorld(toUpstream(), (world) => {
    const client = world.client();
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    world.settle();
    expect(client.answer.status).toBe(400);
    expect(world.a.connections).toHaveLength(0);
  });
});
