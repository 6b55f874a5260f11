// "Did you mean": the right name that is closest to a wrong one.
import { distance } from "fastest-levenshtein";

/** The candidate closest to `name`, or undefined when none is close: more than half of its letters would differ. */
export function nearestOf(name: string, candidates: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Infinity;
  // A name of any length may stand in a config; the comparison takes time in proportion to it.
  const written = name.slice(0, 100).toLowerCase();
  for (const candidate of candidates) {
    const edits = distance(written, candidate.toLowerCase());
    if (edits < least && edits <= Math.max(written.length, candidate.length) / 2) {
      nearest = candidate;
      least = edits;
    }
  }
  return nearest;
}
