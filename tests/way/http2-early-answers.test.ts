// Answers over HTTP/2 to requests that have not come whole: the rest is taken within bounds, so that no client loses its answer.
import { describe, expect, test } from "bun:test";
import { data, headers, lines, rst } from "../support/http2-frames.ts";
import { type Http2Client, inHttp2, overHttp2 } from "../support/http2-world.ts";
import type { World } from "../support/fake-world.ts";

const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;
const PIECE = "x".repeat(16_000);
const MIB = 1024 * 1024;

const post = (stream: number, length?: number): string =>
  headers(stream, lines("POST", "/", length === undefined ? [] : [["content-length", `${length}`]]), false);

/** A client that has its answer, of status 413, while it still sends. */
function answeredEarly(story: (client: Http2Client, world: World) => void, length?: number): void {
  inHttp2((client, world) => {
    client.send(post(1, length) + data(1, "abc"));
    world.a.last.answer(413, "no");
    world.settle();
    expect(client.answer()).toMatchObject({ status: 413, body: "no", complete: true, reset: undefined });
    // The exchange is over, whatever still comes.
    expect(world.record).toMatchObject({ "http.response.status_code": 413, "http.request.body.size": 3 });
    expect(world.record["error.type"]).toBeUndefined();
    story(client, world);
    expect(client.goAway).toBeUndefined();
    // The others go on.
    client.send(headers(3, lines("GET", "/")));
    world.a.last.answer(200);
    world.settle();
    expect(client.answer(3)).toMatchObject({ status: 200, complete: true });
  });
}

const windows = (client: Http2Client, stream: number): number => client.frames("WINDOW_UPDATE", stream).length;

describe("the rest of an upload", () => {
  test("comes to its end, and windows are opened for it", () => {
    answeredEarly((client) => {
      for (let sent = 0; sent < MIB - PIECE.length; sent += PIECE.length) client.send(data(1, PIECE));
      expect([windows(client, 0), windows(client, 1)].every((count) => count > 2)).toBeTrue();
      client.send(headers(1, [["a", "b"]]));
      expect(client.answer().reset).toBeUndefined();
    });
  });

  test("is not wanted any more when it is too much, and what is on its way harms nobody", () => {
    answeredEarly((client) => {
      for (let sent = 0; sent <= MIB; sent += PIECE.length) client.send(data(1, PIECE));
      expect(client.answer()).toMatchObject({ complete: true, reset: NO_ERROR });
      const opened = windows(client, 1);
      for (let i = 0; i < 10; i++) client.send(data(1, PIECE));
      client.send(data(1, "", true));
      expect(windows(client, 1)).toBe(opened);
    });
  });

  test("is not wanted any more after 5 s, however fast it comes", () => {
    answeredEarly((client, world) => {
      for (let i = 0; i < 4; i++) {
        world.advance(1000);
        client.send(data(1, "abc"));
      }
      world.advance(999);
      expect(client.answer().reset).toBeUndefined();
      world.advance(1);
      expect(client.answer()).toMatchObject({ complete: true, reset: NO_ERROR });
    });
  });

  test("that the client takes back is no failure of its exchange", () => {
    answeredEarly((client, world) => {
      client.send(rst(1));
      world.advance(10_000);
      expect(client.answer().reset).toBeUndefined();
    });
  });

  test("that is not as long as was said is told, and its exchange is not recorded again", () => {
    answeredEarly((client) => {
      client.send(data(1, "abc", true));
      expect(client.answer()).toMatchObject({ complete: true, reset: PROTOCOL_ERROR });
    }, 100);
  });
});

describe("behind an answer that is no error", () => {
  /** Asks with content of this length, and gives the frames up to the end of the answer that the target gives at once. */
  function answered(length: number | undefined, story: (client: Http2Client, world: World) => void): void {
    inHttp2((client, world) => {
      client.send(post(1, length) + data(1, PIECE));
      world.a.last.answer(200, "ok");
      world.settle();
      story(client, world);
    });
  }

  test("a rest that is little is let in at once: the window for all of it comes before the answer ends", () => {
    const rest = 400_000;
    answered(PIECE.length + rest, (client) => {
      expect(client.answer()).toMatchObject({ status: 200, body: "ok", complete: true, reset: undefined });
      const { frames } = client.said;
      const end = frames.findIndex(({ type, stream, flags }) => type === "DATA" && stream === 1 && (flags & 1) === 1);
      const opened = frames
        .slice(0, end)
        .filter(({ type, stream }) => type === "WINDOW_UPDATE" && stream === 1)
        .reduce((sum, { payload }) => sum + Buffer.from(payload, "latin1").readUInt32BE(), 65_535 - PIECE.length);
      expect(opened).toBeGreaterThanOrEqual(rest);
      // All of it, in one go.
      client.send(data(1, PIECE).repeat(24), data(1, "x".repeat(rest - 24 * PIECE.length), true));
      expect(client.answer().reset).toBeUndefined();
      expect(client.goAway).toBeUndefined();
    });
  });

  test.each([undefined, 600_000])("one that is more, or unknown, is not wanted (%d)", (length) => {
    answered(length, (client) => {
      expect(client.answer()).toMatchObject({ status: 200, body: "ok", complete: true, reset: NO_ERROR });
    });
  });
});

test.each(["leave", "reset"] as const)("a connection that ends meanwhile (%s) is no failure of the exchange", (how) => {
  inHttp2((client, world) => {
    client.send(post(1) + data(1, "abc"));
    world.a.last.answer(413, "no");
    world.settle();
    client.peer[how]();
    world.settle();
    expect(world.record["error.type"]).toBeUndefined();
  });
});

test("a gateway that leaves waits no longer than that for it", () => {
  inHttp2((client, world) => {
    client.send(post(1) + data(1, "abc"));
    world.a.last.answer(413, "no");
    world.settle();
    void world.gateway.drain(0);
    world.advance(4999);
    expect(client.peer.over).toBeFalse();
    world.advance(1);
    expect(client.peer.over).toBeTrue();
  });
});

test("so it is for what the gateway refuses by its head alone", () => {
  inHttp2((client, world) => {
    client.send(headers(1, lines("TRACE", "/"), false));
    expect(client.answer()).toMatchObject({ status: 405, complete: true, reset: undefined });
    client.send(data(1, "abc", true));
    world.advance(5000);
    expect(client.answer().reset).toBeUndefined();
  }, overHttp2());
});
