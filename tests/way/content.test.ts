// The content of answers: in each framing it comes whole, or is seen not to be.
import { describe, expect, test } from "bun:test";
import { inWorld, toUpstream } from "../support/fake-world.ts";

const HEAD = "HTTP/1.1 200 OK\r\n";
const FRAMINGS = {
  length: [`${HEAD}Content-Length: 6\r\n\r\nabc`, "def"],
  chunked: [`${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, "3\r\ndef\r\n0\r\n\r\n"],
  close: [`${HEAD}\r\nabc`, "def"],
} as const;

describe.each(Object.entries(FRAMINGS))("content framed by %s", (framing, [first, second]) => {
  test.each([0, 1] as const)("comes whole to a client of HTTP/1.%i, and ends as it may", (minor) => {
    for (const pieces of [[first + second], [first, second], [...(first + second)]]) {
      inWorld(toUpstream(), (world) => {
        const client = world.client();
        client.send(`GET / HTTP/1.${minor}\r\nHost: gw.test\r\nConnection: keep-alive\r\n\r\n`);
        world.settle();
        for (const piece of pieces) {
          world.a.last.send(piece);
          world.settle();
        }
        if (framing === "close") world.a.last.end();
        world.settle();
        const close = minor === 0 && framing !== "length" && pieces.length > 0;
        const here = pieces.length === 1 && framing === "length";
        expect(client.answer).toMatchObject({ body: "abcdef", complete: true });
        expect(client.answer.framing).toBe(here || framing === "length" ? "length" : close ? "close" : "chunked");
        expect(client.ending).toBe(close ? "fin" : "open");
        expect(world.record["error.type"]).toBeUndefined();
      });
    }
  });

  test.each(["end", "reset"] as const)("that breaks off by %s is seen to, where it can be", (how) => {
    inWorld(toUpstream(), (world) => {
      const client = world.ask("GET", "/");
      world.a.last.send(first);
      world.settle();
      world.a.last[how]();
      world.settle();
      // Nobody can tell a target that ends too early from one that ends, when its end is all that tells.
      const whole = framing === "close" && how === "end";
      expect(client.answer).toMatchObject({ body: "abc", complete: whole });
      expect(world.record["error.type"]).toBe(whole ? (undefined as never) : "http_response_incomplete");
    });
  });
});
