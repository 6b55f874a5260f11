// A client of HTTP/2 that does anything, in any order, in any pieces: whatever it does, nothing is left behind.
import { test } from "bun:test";
import fc from "fast-check";
import {
  PREFACE,
  data,
  frame,
  get,
  headers,
  lines,
  readSaid,
  rst,
  settings,
  windowUpdate,
} from "../support/http2-frames.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { overHttp2 } from "../support/http2-world.ts";
import { World } from "../support/fake-world.ts";

const stream = fc.constantFrom(1, 3, 5, 7, 9);
const size = fc.constantFrom(0, 1, 100, 16_384);
const window = fc.constantFrom(0, 1, 10, 65_535, 2 ** 31 - 1);
const end = fc.boolean();

/** What a client may send. */
const sent = fc.oneof(
  { weight: 6, arbitrary: stream.map((id) => get(id)) },
  { weight: 4, arbitrary: stream.map((id) => headers(id, lines("POST", "/"), false)) },
  { weight: 1, arbitrary: stream.map((id) => headers(id, lines("POST", "/", [["content-length", "100"]]), false)) },
  { weight: 1, arbitrary: stream.map((id) => headers(id, lines("HEAD", "/"))) },
  { weight: 1, arbitrary: stream.map((id) => headers(id, [["x-trailer", "1"]])) },
  { weight: 6, arbitrary: fc.tuple(stream, size, end).map(([id, length, last]) => data(id, "x".repeat(length), last)) },
  { weight: 2, arbitrary: stream.map((id) => rst(id)) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(0, 1, 3, 5), window).map(([id, bytes]) => windowUpdate(id, bytes)) },
  { weight: 2, arbitrary: window.map((bytes) => settings([4, bytes])) },
  { weight: 1, arbitrary: fc.constantFrom(settings([1, 0]), settings([1, 4096]), frame("PING", 0, 0, "12345678")) },
  { weight: 1, arbitrary: stream.map((id) => frame("HEADERS", 0, id, "\x82")) },
  { weight: 1, arbitrary: stream.map((id) => frame("CONTINUATION", 4, id, "\x84\x87")) },
  { weight: 1, arbitrary: fc.constant(frame("GOAWAY", 0, 0, "\0".repeat(8))) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }), stream, fc.string({ maxLength: 20 }))
      .map(([type, flags, id, payload]) => frame(type, flags, id, payload)),
  },
);

const LARGE = "x".repeat(300_000);
/** What targets answer, to the whole of it. */
const ANSWERS = [
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  `HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n${LARGE}`,
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
  "HTTP/1.1 204 No\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
  "no HTTP",
];

/** One thing that happens. Plain data, so that a counterexample can be read. */
type Step =
  | { readonly client: string }
  | { readonly target: string | "leaves"; readonly which: number }
  | { readonly then: "holds" | "reads" | "settles" }
  | { readonly ms: number };

const which = fc.nat({ max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.array(sent, { minLength: 1, maxLength: 5 }).map((all) => ({ client: all.join("") })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(sent, fc.integer({ min: 1, max: 12 })).map(([text, at]) => ({ client: text.slice(0, at) })),
  },
  { weight: 7, arbitrary: fc.record({ target: fc.constantFrom(...ANSWERS, "leaves"), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ then: fc.constantFrom("holds" as const, "reads" as const, "settles" as const) }),
  },
  { weight: 2, arbitrary: fc.record({ ms: fc.constantFrom(1, 500, 3000, 10_000, 80_000) }) },
);
const last = fc.constantFrom("leaves", "resets", "ends", "gateway drains");

const left = new WeakSet<object>();

function take(step: Step, world: World, client: FakeClient): void {
  if ("client" in step) client.send(step.client);
  else if ("ms" in step) world.advance(step.ms);
  else if ("target" in step) {
    // Who has left says nothing more.
    const open = world.a.open.filter(({ socket }) => !left.has(socket));
    const connection = open[step.which % Math.max(1, open.length)];
    if (connection === undefined) return;
    if (step.target !== "leaves") return connection.send(step.target);
    left.add(connection.socket);
    connection.leave();
  } else if (step.then === "holds") client.hold();
  else if (step.then === "reads") client.read();
  else world.settle();
}

test("whatever it does, each request has one record, and no socket, timer or connection is left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), last, (steps, over) => {
      const world = new World(overHttp2({ http2: { h2c: true, maxStreams: 3 } }));
      const client = world.client();
      client.send(PREFACE + settings());
      for (const each of steps) if (!client.over) take(each, world, client);
      world.settle();
      if (over === "gateway drains") void world.gateway.drain();
      else if (!client.over && over === "ends") client.end();
      else if (!client.over && over === "resets") client.reset();
      else if (!client.over) client.leave();
      client.read();
      world.settle();
      for (const connection of world.a.connections) if (!connection.over) connection.leave();
      // What has come is in order, to a reader that takes no frame behind an end.
      readSaid(client.received);
      world.close();
    }),
    { numRuns: 400 },
  );
});
