// Random route sets and requests over a small alphabet, so that they meet often.
import fc from "fast-check";
import type { MatchPlan, RoutePlan } from "../../src/config/plan.ts";
import { Fields } from "../../src/http/fields.ts";
import type { SampleRequest } from "./naive-matcher.ts";
import { route } from "./plans.ts";

const literal = fc.constantFrom("a", "b", "", "%C3%B8", "x%2Fy", "100%25");
const patternSegment = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 2, arbitrary: fc.constant(":") });
const pattern = fc
  .tuple(fc.array(patternSegment, { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([segments, rest]) => {
    const named = segments.map((segment, index) => (segment === ":" ? `:p${index}` : segment));
    return `/${[...named, ...(rest ? ["*"] : [])].join("/")}`;
  });
const condition = fc.tuple(fc.constantFrom("u", "v"), fc.constantFrom<string | true>("1", "2", true));
const conditions = fc.uniqueArray(condition, { selector: ([name]) => name, maxLength: 2 });
const host = fc.constantFrom("h.test", "x.h.test", "*.h.test", "*.x.h.test", "*.test", "[::1]");

/** Any match. */
export const anyMatch: fc.Arbitrary<MatchPlan> = fc.record({
  path: pattern,
  methods: fc.oneof(fc.constant([]), fc.uniqueArray(fc.constantFrom("GET", "HEAD", "POST"), { maxLength: 2 })),
  hosts: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(host, { maxLength: 2 }) },
  ),
  headers: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: conditions }),
  query: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: conditions }),
});

/** Routes with names `r0`, `r1`, …, of one match or two. */
export function anyRoutes(maxLength: number, matches = anyMatch): fc.Arbitrary<RoutePlan[]> {
  return fc
    .array(fc.array(matches, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength })
    .map((list) => list.map((one, index) => route(`r${index}`, one)));
}

const pathSegment = fc.constantFrom(
  "a",
  "b",
  "",
  "c",
  "%61",
  "%C3%B8",
  "\xc3\xb8",
  "x%2Fy",
  "x",
  "y",
  "100%",
  "%E9",
  "*",
  ":p0",
);

/** Any request. */
export const anyRequest: fc.Arbitrary<SampleRequest> = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "PUT"),
  host: fc.constantFrom("h.test", "h.test:80", "x.h.test", "y.x.h.test:8080", "other", "z.test", ".test", "[::1]:80"),
  path: fc.array(pathSegment, { minLength: 1, maxLength: 5 }).map((segments) => `/${segments.join("/")}`),
  query: fc.constantFrom("", "?", "?u=1", "?v=1&u=2", "?u=1&u=2", "?u=2&u=2", "?v", "?v&u=1"),
  fields: fc
    .uniqueArray(fc.tuple(fc.constantFrom("U", "v"), fc.constantFrom("1", "2")), { maxLength: 2 })
    .map((lines) => Fields.of(...lines)),
});
