// The model of the whole way: in any interleaving of what clients, targets, the network and time do, each request gets
// one answer or a visible break, each exchange one record, each socket its end, and no POST is delivered twice.
import { test } from "bun:test";
import fc from "fast-check";
import { judge } from "./judge.ts";
import { play } from "./play.ts";
import { anyStory } from "./story.ts";

/** `WAY_RUNS=100000 bun test tests/way/interleavings.test.ts` looks longer; `WAY_SEED` begins elsewhere. */
const RUNS = Number(process.env["WAY_RUNS"] ?? 2000);
/** The same stories each time: what a longer look finds becomes a test with a name. */
const SEED = Number(process.env["WAY_SEED"] ?? 1);

test("whatever happens in whatever order, every promise of the way holds", () => {
  fc.assert(
    fc.property(anyStory, (story) => judge(play(story))),
    { numRuns: RUNS, includeErrorInReport: true, seed: SEED },
  );
}, 600_000);
