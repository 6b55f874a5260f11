// One spelling for each address, and sets of ranges, against the reference of the platform.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BlockList, isIP } from "node:net";
import { cidrSet, normalAddress } from "../../src/http/ip.ts";

describe("normalAddress", () => {
  test.each([
    ["203.0.113.9", "203.0.113.9"],
    ["203.0.113.9:8080", "203.0.113.9"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::1", "::1"],
    ["::", "::"],
    ["[::1]", "::1"],
    ["[::1]:443", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["[::ffff:192.0.2.1]:80", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
  ])("%s is %s", (text, normal) => {
    expect(normalAddress(text)).toBe(normal);
  });

  test.each([
    ...["", " ", "unknown", "_hidden", "localhost", "example.com", "unix:", "1", "127.1", "0x7f.0.0.1", "010.0.0.1"],
    ...[
      "1.2.3",
      "1.2.3.4.5",
      "256.0.0.1",
      "1.2.3.4:",
      "1.2.3.4:x",
      "1.2.3.4:123456",
      "1.2.3.4/8",
      " 1.2.3.4",
      "1.2.3.4\n",
    ],
    ...[
      "fe80::1%eth0",
      "[fe80::1%25eth0]:80",
      "::ffff:010.0.0.1",
      "::ffff:0x7f.1",
      "::ffff:1.2.3",
      "1::2::3",
      ":::",
      "g::1",
    ],
    ...["[::1", "::1]", "[::1]x", "[::1]:", "[1.2.3.4]", "12345::", "1:2:3:4:5:6:7:8:9", '"[::1]"', "[]", "[:]", ":"],
    "1".repeat(10_000),
  ])("%j is no address", (text) => {
    expect(normalAddress(text)).toBeUndefined();
  });

  test("accepts only what the system accepts, whatever the text", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."0123456789abcdefF:.%[]x "), maxLength: 24 }),
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const normal = normalAddress(candidate);
        if (normal !== undefined) expect(isIP(normal)).not.toBe(0);
        if (isIP(candidate) !== 0 && !candidate.includes("%")) expect(normal).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  test("is stable: the normal form of a normal form is itself", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const normal = normalAddress(address)!;
        expect(normalAddress(normal)).toBe(normal);
        expect(normalAddress(normal.includes(":") ? `[${normal}]:1` : `${normal}:1`)).toBe(normal);
      }),
    );
  });
});

describe("cidrSet", () => {
  test("without ranges holds nothing", () => {
    expect(cidrSet([])("127.0.0.1")).toBe(false);
  });

  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.1.2.3/8", "10.9.9.9", true],
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["0.0.0.0/0", "8.8.8.8", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "8.8.8.8", false],
    ["::/0", "2001:db8::1", true],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::1", "::1", true],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["::ffff:10.0.0.0/104", "10.0.0.1", true],
    ["::ffff:10.0.0.0/104", "11.0.0.1", false],
    ["::ffff:10.0.0.1", "10.0.0.1", true],
    ["10.0.0.0/8", "10.0.0.1:80", true],
    ["10.0.0.0/8", "unknown", false],
    ["10.0.0.0/8", "", false],
  ])("%s holds %s: %p", (range, address, held) => {
    const set = cidrSet([range]);
    expect(set(address)).toBe(held);
    // The second time from memory.
    expect(set(address)).toBe(held);
  });

  test.each([
    "",
    "10",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "::/129",
    "[::1]",
    "1.2.3.4:80",
    "fe80::%1/64",
    "::ffff:1.2.3.4/80",
    "host",
  ])("refuses the range %j", (range) => {
    expect(() => cidrSet([range])).toThrow(TypeError);
  });

  test("judges as the system's block list does", () => {
    const range = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 })),
    );
    fc.assert(
      fc.property(
        fc.array(range, { minLength: 1, maxLength: 5 }),
        fc.array(fc.oneof(fc.ipV4(), fc.ipV6())),
        (ranges, others) => {
          const normal = ranges.map(([base, bits]) => [normalAddress(base)!, bits, base] as const);
          // An IPv4-mapped range with a short prefix is none of ours.
          fc.pre(normal.every(([address, , base]) => address.includes(":") === base.includes(":")));
          // One list for each family: a shared one takes IPv4 addresses for IPv4-mapped IPv6.
          const family = (address: string): "ipv4" | "ipv6" => (address.includes(":") ? "ipv6" : "ipv4");
          const reference = { ipv4: new BlockList(), ipv6: new BlockList() };
          for (const [address, bits] of normal) reference[family(address)].addSubnet(address, bits, family(address));
          const set = cidrSet(ranges.map(([base, bits]) => `${base}/${bits}`));
          for (const address of [...normal.map(([base]) => base), ...others.map((other) => normalAddress(other)!)]) {
            expect(set(address)).toBe(reference[family(address)].check(address, family(address)));
          }
        },
      ),
    );
  });

  test("goes on judging rightly when more addresses come than it remembers", () => {
    const set = cidrSet(["10.0.0.0/9"]);
    for (let i = 0; i < 5000; i++) expect(set(`10.${i % 256}.${i >> 8}.1`)).toBe(i % 256 < 128);
  });
});
