// Which certificate a name gets: the exact one, a wildcard one label above, else the first.
import { expect, test } from "bun:test";
import { certificateOf } from "../../src/platforms/server-name.ts";

const of = certificateOf([
  { names: ["a.test", "*.a.test"] },
  { names: ["x.a.test", "*.test", "a.test"] },
  { names: ["*.deep.a.test"] },
]);

test.each([
  ["a.test", 0],
  ["A.Test", 0],
  ["x.a.test", 1],
  ["y.a.test", 0],
  ["y.z.a.test", 0],
  ["b.test", 1],
  ["c.b.test", 0],
  ["q.deep.a.test", 2],
  [".a.test", 0],
  ["", 0],
  ["test", 0],
  ["*.deep.a.test", 2],
  ["__proto__", 0],
])("%p", (name, index) => {
  expect(of(name)).toBe(index);
});
