// What a client of HTTP/2 may not do (RFC 9113): a table of frames, and what comes of each.
import { describe, expect, test } from "bun:test";
import {
  END_HEADERS,
  END_STREAM,
  PADDED,
  PREFACE,
  PRIORITIZED,
  block,
  data,
  frame,
  get,
  headers,
  lines,
  rst,
  settings,
  u32,
  windowUpdate,
} from "../support/http2-frames.ts";
import { Http2Client, inHttp2, overHttp2 } from "../support/http2-world.ts";
import { inWorld } from "../support/fake-world.ts";

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const STREAM_CLOSED = 5;
const FRAME_SIZE_ERROR = 6;
const COMPRESSION_ERROR = 9;

const POST = headers(1, lines("POST", "/"), false);
const field = (name: string, value: string): string => get(1, "/", [[name, value]]);

describe("what ends the connection", () => {
  test.each<readonly [name: string, frames: string, code: number]>([
    ["a first frame that is not SETTINGS", `${PREFACE}${get(1)}`, PROTOCOL_ERROR],
    ["a first frame that only answers settings", PREFACE + frame("SETTINGS", 1, 0), PROTOCOL_ERROR],
    ["content first", PREFACE + data(1, "a"), PROTOCOL_ERROR],
    ["a preface that goes wrong behind its first line", `${PREFACE.slice(0, 18)}XX\r\n\r\n`, PROTOCOL_ERROR],
  ])("%s", (_, text, code) => {
    inWorld(overHttp2(), (world) => {
      const client = new Http2Client(world, text);
      expect(client.goAway).toBe(code);
      expect(client.peer.over).toBe(true);
      expect(world.record["error.type"]).toBe("http_request_error");
    });
  });

  test.each<readonly [name: string, frames: string, code: number]>([
    ["DATA of the connection", data(0, "a"), PROTOCOL_ERROR],
    ["HEADERS of the connection", headers(0, lines("GET", "/")), PROTOCOL_ERROR],
    ["PRIORITY of the connection", frame("PRIORITY", 0, 0, "\0".repeat(5)), PROTOCOL_ERROR],
    ["RST_STREAM of the connection", rst(0), PROTOCOL_ERROR],
    ["SETTINGS of a stream", frame("SETTINGS", 0, 1), PROTOCOL_ERROR],
    ["PING of a stream", frame("PING", 0, 1, "\0".repeat(8)), PROTOCOL_ERROR],
    ["GOAWAY of a stream", frame("GOAWAY", 0, 1, "\0".repeat(8)), PROTOCOL_ERROR],
    ["PUSH_PROMISE", frame("PUSH_PROMISE", END_HEADERS, 1, u32(2)), PROTOCOL_ERROR],
    ["a stream of even number", get(2), PROTOCOL_ERROR],
    ["content of a stream that was never opened", data(1, "a"), PROTOCOL_ERROR],
    ["RST_STREAM of a stream that was never opened", rst(1), PROTOCOL_ERROR],
    ["WINDOW_UPDATE of a stream that was never opened", windowUpdate(1, 1), PROTOCOL_ERROR],
    ["a stream below the last", get(5) + get(3), STREAM_CLOSED],
    ["CONTINUATION of nothing", frame("CONTINUATION", END_HEADERS, 1), PROTOCOL_ERROR],
    ["a frame inside a block", frame("HEADERS", 0, 1, "\x82") + frame("PING", 0, 0, "\0".repeat(8)), PROTOCOL_ERROR],
    ["content inside a block", frame("HEADERS", 0, 1, "\x82") + data(1, "a"), PROTOCOL_ERROR],
    ["CONTINUATION of another stream", frame("HEADERS", 0, 1, "\x82") + frame("CONTINUATION", 4, 3), PROTOCOL_ERROR],
    ["padding longer than HEADERS", frame("HEADERS", END_HEADERS | PADDED, 1, "\x09\x82"), PROTOCOL_ERROR],
    ["a priority that is not there whole", frame("HEADERS", END_HEADERS | PRIORITIZED, 1, "\0\0"), FRAME_SIZE_ERROR],
    ["a PING of 7 bytes", frame("PING", 0, 0, "\0".repeat(7)), FRAME_SIZE_ERROR],
    ["a PRIORITY of 4 bytes", frame("PRIORITY", 0, 1, "\0".repeat(4)), FRAME_SIZE_ERROR],
    ["a RST_STREAM of 3 bytes", POST + frame("RST_STREAM", 0, 1, "\0\0\0"), FRAME_SIZE_ERROR],
    ["a WINDOW_UPDATE of 5 bytes", frame("WINDOW_UPDATE", 0, 0, "\0".repeat(5)), FRAME_SIZE_ERROR],
    ["a GOAWAY of 7 bytes", frame("GOAWAY", 0, 0, "\0".repeat(7)), FRAME_SIZE_ERROR],
    ["SETTINGS of 5 bytes", frame("SETTINGS", 0, 0, "\0".repeat(5)), FRAME_SIZE_ERROR],
    ["an answer to settings that holds some", frame("SETTINGS", 1, 0, "\0".repeat(6)), FRAME_SIZE_ERROR],
    ["a frame of more than 16,384 bytes", frame("HEADERS", END_HEADERS, 1, "\0".repeat(16_385)), FRAME_SIZE_ERROR],
    ["ENABLE_PUSH of 2", settings([2, 2]), PROTOCOL_ERROR],
    ["a MAX_FRAME_SIZE of 16,383", settings([5, 16_383]), PROTOCOL_ERROR],
    ["a MAX_FRAME_SIZE of 2^24", settings([5, 2 ** 24]), PROTOCOL_ERROR],
    ["an INITIAL_WINDOW_SIZE of 2^31", settings([4, 2 ** 31]), FLOW_CONTROL_ERROR],
    [
      "settings that widen a window beyond its bound",
      get(1) + windowUpdate(1, 2 ** 31 - 65_536) + settings([4, 65_536]),
      FLOW_CONTROL_ERROR,
    ],
    ["a connection's window opened by 0", windowUpdate(0, 0), PROTOCOL_ERROR],
    ["a connection's window over its bound", windowUpdate(0, 2 ** 31 - 1), FLOW_CONTROL_ERROR],
    ["a block that is no HPACK", frame("HEADERS", END_HEADERS, 1, "\x80"), COMPRESSION_ERROR],
  ])("%s", (_, frames, code) => {
    inHttp2((client) => {
      client.send(frames);
      expect(client.goAway).toBe(code);
      expect(client.peer.over).toBe(true);
    });
  });
});

describe("what ends a stream, and nothing else", () => {
  test.each<readonly [name: string, frames: string, code: number]>([
    ["a block behind the end", get(1) + get(1), STREAM_CLOSED],
    ["content behind the end", get(1) + data(1, "a"), STREAM_CLOSED],
    ["a window opened by 0", get(1) + windowUpdate(1, 0), PROTOCOL_ERROR],
    ["a window over its bound", get(1) + windowUpdate(1, 2 ** 31 - 1), FLOW_CONTROL_ERROR],
    ["more content than a window allows", POST + data(1, "a".repeat(16_384)).repeat(4), FLOW_CONTROL_ERROR],
    [
      "more content than content-length says",
      headers(1, lines("POST", "/", [["content-length", "2"]]), false) + data(1, "abc"),
      PROTOCOL_ERROR,
    ],
    [
      "less content than content-length says",
      headers(1, lines("POST", "/", [["content-length", "2"]]), false) + data(1, "a", true),
      PROTOCOL_ERROR,
    ],
    ["no content where content-length says some", field("content-length", "2"), PROTOCOL_ERROR],
    ["a content-length that is no number", field("content-length", "+2"), PROTOCOL_ERROR],
    [
      "two of content-length",
      get(1, "/", [
        ["content-length", "0"],
        ["content-length", "0"],
      ]),
      PROTOCOL_ERROR,
    ],
    [
      "trailers that do not end the stream",
      POST + frame("HEADERS", END_HEADERS, 1, block([["a", "b"]])),
      PROTOCOL_ERROR,
    ],
    ["a pseudo-field among the trailers", POST + frame("HEADERS", 5, 1, block([[":path", "/x"]])), PROTOCOL_ERROR],
    ["a trailer in upper case", POST + frame("HEADERS", 5, 1, block([["A", "b"]])), PROTOCOL_ERROR],
    ["a field in upper case", field("X-Upper", "1"), PROTOCOL_ERROR],
    ["a space in a name", field("x y", "1"), PROTOCOL_ERROR],
    ["a line feed in a name", field("x\ny", "1"), PROTOCOL_ERROR],
    ["a colon in a name", field("x:y", "1"), PROTOCOL_ERROR],
    ["CR LF in a value", field("x", "1\r\ny: 2"), PROTOCOL_ERROR],
    ["NUL in a value", field("x", "1\0"), PROTOCOL_ERROR],
    ["a space in front of a value", field("x", " 1"), PROTOCOL_ERROR],
    ["connection", field("connection", "close"), PROTOCOL_ERROR],
    ["proxy-connection", field("proxy-connection", "close"), PROTOCOL_ERROR],
    ["keep-alive", field("keep-alive", "timeout=1"), PROTOCOL_ERROR],
    ["transfer-encoding", field("transfer-encoding", "chunked"), PROTOCOL_ERROR],
    ["upgrade", field("upgrade", "websocket"), PROTOCOL_ERROR],
    ["te other than trailers", field("te", "gzip"), PROTOCOL_ERROR],
    ["a Host other than :authority", field("host", "other.test"), PROTOCOL_ERROR],
    ["an unknown pseudo-field", get(1, "/", [[":protocol", "websocket"]]), PROTOCOL_ERROR],
    ["a pseudo-field of answers", get(1, "/", [[":status", "200"]]), PROTOCOL_ERROR],
    ["a pseudo-field behind a field", headers(1, [["a", "b"], ...lines("GET", "/")]), PROTOCOL_ERROR],
    ["two of :path", headers(1, [...lines("GET", "/"), [":path", "/other"]]), PROTOCOL_ERROR],
    [
      "no :path",
      headers(
        1,
        lines("GET", "/").filter(([name]) => name !== ":path"),
      ),
      PROTOCOL_ERROR,
    ],
    [
      "no :method",
      headers(
        1,
        lines("GET", "/").filter(([name]) => name !== ":method"),
      ),
      PROTOCOL_ERROR,
    ],
    [
      "no :scheme",
      headers(
        1,
        lines("GET", "/").filter(([name]) => name !== ":scheme"),
      ),
      PROTOCOL_ERROR,
    ],
    [
      "another :scheme",
      headers(1, [
        [":method", "GET"],
        [":scheme", "ftp"],
        [":path", "/"],
      ]),
      PROTOCOL_ERROR,
    ],
    ["an empty :path", get(1, ""), PROTOCOL_ERROR],
    ["a :path that is a URL", get(1, "http://other.test/"), PROTOCOL_ERROR],
    ["a :path without a slash", get(1, "x"), PROTOCOL_ERROR],
    ["a space in :path", get(1, "/a HTTP/1.1"), PROTOCOL_ERROR],
    ["a tab in :path", get(1, "/a\tb"), PROTOCOL_ERROR],
    ["* of GET", get(1, "*"), PROTOCOL_ERROR],
    ["a :method that is no token", headers(1, lines("GET /", "/")), PROTOCOL_ERROR],
    ["CONNECT with a path", headers(1, lines("CONNECT", "/")), PROTOCOL_ERROR],
  ])("%s", (_, frames, code) => {
    inHttp2((client, world) => {
      client.send(frames);
      expect(client.answer().reset).toBe(code);
      // Nothing of it has come to a target whole, and the next request is served.
      client.send(get(11, "/next"));
      const next = world.a.connections.findLast(({ over }) => !over)!;
      next.answer(200, "next");
      world.settle();
      expect(client.answer(11)).toMatchObject({ status: 200, body: "next", complete: true });
      expect(world.a.requests.filter(({ complete }) => complete).map(({ target }) => target)).toEqual(["/next"]);
      expect(world.records.map((record) => record["error.type"])).toContain("http_request_error");
      expect(client.goAway).toBeUndefined();
    });
  });
});

describe("what is answered as over HTTP/1.1", () => {
  test.each<readonly [name: string, frames: string, status: number]>([
    [
      "no authority",
      headers(1, [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
      ]),
      400,
    ],
    [
      "an authority that is none",
      headers(1, [
        [":method", "GET"],
        [":scheme", "https"],
        [":authority", "a b"],
        [":path", "/"],
      ]),
      400,
    ],
    [
      "user information in the authority",
      headers(1, [
        [":method", "GET"],
        [":scheme", "https"],
        [":authority", "u@a.test"],
        [":path", "/"],
      ]),
      400,
    ],
    ["an encoded NUL", get(1, "/%00"), 400],
    ["a backslash", get(1, "/a\\b"), 400],
    ["a fragment", get(1, "/a#b"), 400],
    ["TRACE", headers(1, lines("TRACE", "/")), 405],
    [
      "CONNECT",
      headers(1, [
        [":method", "CONNECT"],
        [":authority", "a.test:443"],
      ]),
      405,
    ],
    ["an Expect that nobody knows", field("expect", "tea"), 417],
    [
      "a head that is too large",
      headers(
        1,
        lines(
          "GET",
          "/",
          Array.from({ length: 257 }, (_, i) => [`x-${i}`, ""] as const),
        ),
      ),
      431,
    ],
  ])("%s: %i", (_, frames, status) => {
    inHttp2((client, world) => {
      client.send(frames);
      expect(client.answer()).toMatchObject({ status, complete: true, reset: undefined });
      expect(world.a.connections).toEqual([]);
    });
  });

  test("a :path that is over listen.maxTarget: 414", () => {
    inHttp2(
      (client) => {
        client.send(get(1, `/${"a".repeat(1024)}`));
        expect(client.answer()).toMatchObject({ status: 414, complete: true });
      },
      overHttp2({ maxTarget: "1KiB" }),
    );
  });

  test("a head over listen.maxHead: 431, by what it is and not by what it is written as", () => {
    inHttp2(
      (client) => {
        const kept = frame("HEADERS", 5, 1, `${block(lines("GET", "/"))}@\x01a\x7f\xe5\x1c${"v".repeat(3812)}`);
        client.send(kept);
        client.send(frame("HEADERS", 5, 3, `${block(lines("GET", "/"))}${"\xbe".repeat(10)}`));
        expect(client.answer(3)).toMatchObject({ status: 431, complete: true });
        expect(client.goAway).toBeUndefined();
      },
      overHttp2({ maxHead: "8KiB" }),
    );
  });
});

test("what nobody knows is passed over: types, flags, settings, and the highest bit of a stream", () => {
  inHttp2((client, world) => {
    client.send(settings([0xff, 1], [8, 1]), frame(0xfa, 0xff, 7, "x".repeat(20)), frame("PING", 0xfe, 0, "12345678"));
    client.send(frame("HEADERS", END_STREAM | END_HEADERS | 0xc0, 0x8000_0001, block(lines("GET", "/"))));
    world.a.last.answer(200);
    world.settle();
    expect(client.answer().status).toBe(200);
    expect(client.frames("PING")).toMatchObject([{ flags: 1, payload: "12345678" }]);
  });
});
