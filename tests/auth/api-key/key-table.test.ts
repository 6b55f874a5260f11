// The table of keys against a Map: whatever is added and asked for, in any order.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KeyTable } from "../../../src/auth/api-key/key-table.ts";

const digestOf = (text: string): Uint8Array => new Uint8Array(Bun.SHA256.hash(text).buffer);

/** Digests that meet in one slot: the first bytes are the same. */
const crowded = (n: number): Uint8Array => digestOf(String(n)).fill(7, 0, 4);

interface Known {
  readonly owner: number;
  readonly expiresAt: number | undefined;
  readonly id: string | undefined;
}

const entry = fc.record({
  key: fc.oneof(
    fc.nat(60).map((n) => digestOf(String(n))),
    fc.nat(40).map(crowded),
  ),
  owner: fc.nat(0xffffffff),
  expiresAt: fc.option(fc.nat(4_000_000_000_000), { nil: undefined }),
  id: fc.option(fc.constantFrom("a", "old.key"), { nil: undefined }),
});

describe("a table of keys", () => {
  test("finds what a Map finds, also after it was taken apart and put together", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 150 }), (entries) => {
        const known = new Map<string, Known>();
        let table = new KeyTable();
        for (const [i, { key, ...rest }] of entries.entries()) {
          const before = known.get(key.toHex());
          const place = table.add(key, rest);
          expect(place < 0).toBe(before !== undefined);
          if (before === undefined) known.set(key.toHex(), rest);
          if (i === 70) table = KeyTable.of(table.columns);
        }
        table = KeyTable.of(table.columns);
        expect(table.size).toBe(known.size);
        for (let n = 0; n <= 60; n++) {
          for (const key of [digestOf(String(n)), crowded(n)]) {
            const place = table.find(key);
            const there = known.get(key.toHex());
            expect(place >= 0).toBe(there !== undefined);
            if (there === undefined) continue;
            expect(table.ownerOf(place)).toBe(there.owner);
            expect(table.expiryOf(place)).toBe(there.expiresAt ?? Infinity);
            expect(table.idOf(place)).toBe(there.id ?? key.toHex().slice(0, 8));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("tells digests apart that differ in one bit, wherever it is", () => {
    const table = new KeyTable();
    const digest = digestOf("a");
    table.add(digest, { owner: 0, expiresAt: undefined, id: undefined });
    for (let bit = 0; bit < 256; bit++) {
      const other = digest.slice();
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(table.find(other)).toBe(-1);
    }
    expect(table.find(digest)).toBe(0);
  });

  test("says where the key is that is there already", () => {
    const table = new KeyTable();
    const none = { owner: 0, expiresAt: undefined, id: undefined };
    for (const name of ["a", "b", "c"]) table.add(digestOf(name), none);
    expect(table.add(digestOf("b"), none) + table.size).toBe(1);
  });

  test("takes no more than 60 bytes a key", () => {
    const table = new KeyTable();
    for (let i = 0; i < 100_000; i++) {
      table.add(digestOf(String(i)), { owner: i, expiresAt: undefined, id: undefined });
    }
    const compact = KeyTable.of(table.columns);
    expect(compact.byteLength / compact.size).toBeLessThan(60);
  });
});
