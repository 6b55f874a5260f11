// Frames out of bytes: what is told of them, and that it is the same however the bytes come.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ConnectionFault, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from "../../../src/http/http2/fault.ts";
import { FrameReader } from "../../../src/http/http2/frame-reader.ts";
import { latin1Bytes, latin1Text } from "../../../src/http/latin1.ts";
import { END_STREAM, PADDED, frame } from "../../support/http2-frames.ts";

/** What is told of frames that come in these pieces. Pieces of content are joined. */
function told(pieces: readonly Uint8Array[]): string[] {
  const all: string[] = [];
  let content = "";
  const reader = new FrameReader({
    frame: (type, flags, stream, payload) =>
      all.push(`${type} ${flags} ${stream} ${latin1Text(payload, 0, payload.length)}`),
    dataBegins(stream, length) {
      content = "";
      all.push(`begins ${stream} ${length}`);
    },
    dataPiece: (piece) => (content += latin1Text(piece, 0, piece.length)),
    dataEnds: (padding, end) => all.push(`ends ${content} ${padding} ${end}`),
  });
  for (const piece of pieces) reader.feed(piece);
  return all;
}

const payload = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  maxLength: 300,
});
const stream = fc.integer({ min: 0, max: 0x7fff_ffff });
const other = fc
  .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 0, max: 255 }), stream, payload)
  .map((all) => frame(...all));
const plain = fc
  .tuple(stream, payload, fc.boolean())
  .map(([id, text, end]) => frame("DATA", end ? END_STREAM : 0, id, text));
const padded = fc
  .tuple(stream, payload, fc.integer({ min: 0, max: 255 }), fc.boolean())
  .map(([id, text, padding, end]) =>
    frame("DATA", PADDED | (end ? END_STREAM : 0), id, String.fromCharCode(padding) + text + "\0".repeat(padding)),
  );

test("any split of the bytes gives the same reading", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(other, plain, padded), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      (frames, sizes) => {
        const bytes = latin1Bytes(frames.join(""));
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          pieces.push(bytes.slice(at, at + size));
          at += size;
        }
        const whole = told([bytes]);
        expect(told(pieces)).toEqual(whole);
        expect(whole.filter((line) => !line.startsWith("ends"))).toHaveLength(frames.length);
      },
    ),
    { numRuns: 300 },
  );
});

test("content and padding are told apart, and both count", () => {
  expect(told([latin1Bytes(frame("DATA", PADDED | END_STREAM, 3, "\x02abc\0\0"))])).toEqual([
    "begins 3 6",
    "ends abc 3 true",
  ]);
  expect(told([latin1Bytes(frame("DATA", PADDED, 3, "\x00"))])).toEqual(["begins 3 1", "ends  1 false"]);
  expect(told([latin1Bytes(frame("DATA", 0, 3))])).toEqual(["begins 3 0", "ends  0 false"]);
});

test.each([
  ["a frame that is too long", frame("HEADERS", 0, 1, "", 16_385), FRAME_SIZE_ERROR],
  ["content that is too long", frame("DATA", 0, 1, "", 16_385), FRAME_SIZE_ERROR],
  ["padding without its length", frame("DATA", PADDED, 1), FRAME_SIZE_ERROR],
  ["padding that is longer than its frame", frame("DATA", PADDED, 1, "\x03abc".slice(0, 3)), PROTOCOL_ERROR],
])("%s ends the connection", (_, text, code) => {
  for (const pieces of [[latin1Bytes(text)], [...latin1Bytes(text)].map((byte) => Uint8Array.of(byte))]) {
    let fault: unknown;
    try {
      told(pieces);
    } catch (thrown) {
      fault = thrown;
    }
    expect((fault as ConnectionFault | undefined)?.code).toBe(code);
  }
});
