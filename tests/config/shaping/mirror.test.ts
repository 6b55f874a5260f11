// Mirrors: what they come out as, and what is refused.
import { expect, test } from "bun:test";
import { faultLines, planOf } from "../support.ts";

const gateway = (mirror: unknown, route: object = { to: "up" }): object => ({
  upstreams: Object.fromEntries(["up", "other", "shadow"].map((name) => [name, { targets: [`http://${name}.test`] }])),
  routes: { it: { match: "/", ...route, mirror } },
});

test("one mirror or several, with every default", () => {
  const defaults = { share: 1, maxInFlight: 64, maxBody: 65_536, timeoutMs: 10_000 };
  const plan = planOf(gateway({ to: "shadow" }));
  expect(plan.routes[0]!.mirrors).toEqual([{ upstream: plan.upstreams["shadow"]!, ...defaults }]);
  const several = planOf(gateway([{ to: "shadow" }, { to: "other", share: 0, timeout: "1s" }]));
  expect(several.routes[0]!.mirrors.map(({ share, timeoutMs }) => [share, timeoutMs])).toEqual([
    [1, 10_000],
    [0, 1000],
  ]);
  expect(planOf(gateway(undefined)).routes[0]!.mirrors).toEqual([]);
});

const split = [{ to: "up" }, { to: "other" }];
test.each([
  ["an absent upstream", { to: "shadw" }, undefined, "mirror.to", 'Did you mean "shadow"?'],
  ["no upstream", { share: 1 }, undefined, "mirror.to", "the name of an upstream"],
  ["the route's own", { to: "up" }, undefined, "mirror.to", "another upstream than the route's own"],
  ["a branch", [{ to: "shadow" }, { to: "other" }], { split }, "mirror.1.to", "another upstream than the route's own"],
  ["the same twice", [{ to: "shadow" }, { to: "shadow" }], undefined, "mirror.1.to", "It is mirror.0 again."],
  ["an empty list", [], undefined, "mirror", "a mirror, or a list of at least one"],
  ["a name", "shadow", undefined, "mirror", "an object of options"],
  ["a share in per cent", { to: "shadow", share: 10 }, undefined, "mirror.share", "a share from 0 to 1"],
  ["a bound of none", { to: "shadow", maxInFlight: 0 }, undefined, "mirror.maxInFlight", "a whole number from 1"],
  ["a size without unit", { to: "shadow", maxBody: 1000 }, undefined, "mirror.maxBody", 'such as "1000B"'],
  ["an unknown key", { to: "shadow", wait: "1s" }, undefined, "mirror.wait", "an option"],
  ["a route that forwards nothing", { to: "shadow" }, { answer: {} }, "mirror", "a route with to or split"],
])("%s is refused", (_, mirror, route, path, words) => {
  const lines = faultLines(gateway(mirror, route));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith(`routes.it.${path}: `);
  expect(lines[0]).toContain(words);
});
