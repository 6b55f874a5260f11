// The schema of fallbacks: what is used when an upstream has no answer.
import { answerShape } from "../answer.ts";
import { Problem } from "../fault.ts";
import { list, maybe, options, or, partOf, then, type Shape } from "../shape.ts";
import { upstreamName } from "../upstream/name.ts";
import { whole } from "../values.ts";
import type { FallbackPlan } from "./plan.ts";

/** A fallback. @param upstreams their names */
export function fallbackShape(upstreams: readonly string[]): Shape<FallbackPlan> {
  const shape = options(
    {
      to: maybe(upstreamName(upstreams)),
      answer: maybe(answerShape),
      on: or(list(whole(400, 599), "a list of statuses from 400 to 599"), []),
    },
    function* (_, written) {
      if ((written["to"] === undefined) === (written["answer"] === undefined)) {
        yield new Problem("exactly one of to, answer");
      }
    },
  );
  return then(shape, ({ to, answer, on }) => ({
    on,
    leadsTo: to === undefined ? { kind: "answer", answer: answer! } : { kind: "upstream", name: to },
  }));
}

/** Fallbacks that lead back to where they began. Each such ring is told once. */
export function* fallbackRings(upstreams: unknown): Generator<Problem> {
  const names = Object.keys(Object(upstreams) as object);
  const told = new Set<string>();
  for (const name of names) {
    const ring = ringFrom(name, upstreams);
    if (ring === undefined || told.has(name)) continue;
    for (const member of ring) told.add(member);
    const at = ["upstreams", name, "fallback", "to"];
    const hint = `It leads back: ${[...ring, name].join(" → ")}.`;
    yield new Problem("a fallback that ends", { at, found: JSON.stringify(ring[1] ?? name), hint });
  }
}

/** The names from here on until this one comes again; undefined when it does not. */
function ringFrom(name: string, upstreams: unknown): readonly string[] | undefined {
  const seen: string[] = [];
  for (let next: unknown = name; typeof next === "string";) {
    if (seen.includes(next)) return next === name ? seen : undefined;
    seen.push(next);
    next = partOf(partOf(partOf(upstreams, next), "fallback"), "to");
  }
  return undefined;
}
