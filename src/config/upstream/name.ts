// The schema of a name of an upstream.
import { shortList } from "../describe.ts";
import { Problem } from "../fault.ts";
import type { Shape } from "../shape.ts";
import { text } from "../values.ts";

/** The name of one of these upstreams. */
export function upstreamName(upstreams: readonly string[]): Shape<string> {
  const known = upstreams.length === 0 ? "There are no upstreams." : `Upstreams: ${shortList(upstreams)}.`;
  return text("the name of an upstream", (name) => {
    return upstreams.includes(name) ? name : new Problem("an upstream", { hint: known, nearest: [name, upstreams] });
  });
}
