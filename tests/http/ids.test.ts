// Ids: both forms say the same, all of them are UUIDs of version 4, and what is random in them is random.
import { expect, test } from "bun:test";
import { DrawnIds, idsOf, type Ids } from "../../src/http/ids.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test.each<[string, Ids]>([
  ["drawn many at a time", new DrawnIds((bytes) => crypto.getRandomValues(bytes))],
  ["drawn by the runtime", idsOf(() => crypto.randomUUID())],
])("ids %s are UUIDs of version 4 that never come again, in two forms that agree", (_, ids) => {
  const seen = new Set<string>();
  for (let at = 0; at < 1000; at++) {
    const uuid = ids.next();
    expect(uuid).toMatch(UUID);
    const digits = uuid.replaceAll("-", "");
    expect(ids.stem).toBe(`${digits}-${digits.slice(-14)}`);
    expect(ids.randomness).toBe(
      Number(BigInt(`0x${uuid.slice(-12)}`) >> 4n) + Number.parseInt(uuid.slice(21, 23), 16) * 2 ** 44,
    );
    seen.add(uuid);
  }
  expect(seen.size).toBe(1000);
});

test("every digit of an id that is random takes every value", () => {
  const ids = new DrawnIds((bytes) => crypto.getRandomValues(bytes));
  const values = Array.from({ length: 32 }, () => new Set<string>());
  for (let at = 0; at < 2000; at++) {
    ids.next();
    [...ids.stem.slice(0, 32)].forEach((digit, place) => values[place]!.add(digit));
  }
  // The version stands at 12, the variant in two bits of 16.
  expect(values.map(({ size }) => size)).toEqual(
    Array.from({ length: 32 }, (_, at) => (at === 12 ? 1 : at === 16 ? 4 : 16)),
  );
});
