// Where the frames of a WebSocket end, in whatever pieces they come.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameEdge } from "../../src/http/frame-edge.ts";
import { frame, OPCODE } from "../support/websocket-frames.ts";

const frames = fc.array(
  fc.record({
    length: fc.oneof(fc.nat(130), fc.constantFrom(0, 125, 126, 127, 65_535, 65_536, 70_000)),
    mask: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

test("an edge is behind each frame and nowhere else", () => {
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 5000 })), (list, sizes) => {
      const all = list.map(({ length, mask }) => frame(OPCODE.binary, Buffer.alloc(length, 0xff), { mask }));
      const edges = new Set<number>([0]);
      let end = 0;
      for (const each of all) edges.add((end += each.length));
      const bytes = Buffer.concat(all);
      const edge = new FrameEdge();
      for (let at = 0; at < bytes.length;) {
        expect(edge.isHere).toBe(edges.has(at));
        const size = sizes.next().value as number;
        edge.pass(bytes.subarray(at, at + size));
        at = Math.min(at + size, bytes.length);
      }
      expect(edge.isHere).toBe(true);
    }),
    { numRuns: 300 },
  );
});
