// Who the client is: nothing a stranger sends decides it (case GW-08).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cidrSet } from "../../src/http/ip.ts";
import { Fields } from "../../src/http/fields.ts";
import { clientAddress } from "../../src/listen/client-address.ts";

const TRUSTED = cidrSet(["10.0.0.0/8", "2001:db8::/32"]);

function read(peer: string, ...forwardedFor: string[]): { client: string; trusted: boolean } {
  return clientAddress(TRUSTED, peer, Fields.of(...forwardedFor.map((value) => ["X-Forwarded-For", value] as const)));
}

describe("a peer that is not trusted", () => {
  test("is the client, whatever it says", () => {
    expect(read("203.0.113.9")).toEqual({ client: "203.0.113.9", trusted: false });
    expect(read("203.0.113.9", "198.51.100.1, 10.0.0.1")).toEqual({ client: "203.0.113.9", trusted: false });
    expect(clientAddress(cidrSet([]), "127.0.0.1", Fields.of(["X-Forwarded-For", "198.51.100.1"]))).toEqual({
      client: "127.0.0.1",
      trusted: false,
    });
  });
});

describe("a trusted peer", () => {
  test.each([
    ["says nothing", [], "10.0.0.1"],
    ["names the client", ["198.51.100.1"], "198.51.100.1"],
    ["names another proxy and the client", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"],
    ["passes on what a stranger made up", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"],
    ["passes on a trusted address that a stranger made up", ["10.9.9.9, 198.51.100.1"], "198.51.100.1"],
    ["adds a line of its own", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"],
    ["is a proxy for trusted clients only", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"],
    ["writes IPv6, brackets and ports", ["[2001:4860::8]:1234, [2001:db8::7]:80,10.0.0.2:99"], "2001:4860::8"],
    ["writes IPv4 as IPv6", ["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"],
    ["writes unknown", ["198.51.100.1, unknown"], "10.0.0.1"],
    ["passes on a malformed entry behind a trusted one", ["198.51.100.1, 999.1.1.1, 10.0.0.2"], "10.0.0.2"],
    ["writes an empty entry", ["198.51.100.1, , 10.0.0.2"], "10.0.0.2"],
    ["writes an empty line", [""], "10.0.0.1"],
    ["ends its line with a comma", ["198.51.100.1,"], "10.0.0.1"],
    ["begins its line with a comma", [",10.0.0.2"], "10.0.0.2"],
    ["writes tabs and spaces", ["\t198.51.100.1 ,\t10.0.0.2  "], "198.51.100.1"],
    ["writes a zone", ["198.51.100.1, fe80::1%eth0, 10.0.0.2"], "10.0.0.2"],
  ])("that %s", (_, lines, client) => {
    expect(read("10.0.0.1", ...lines)).toEqual({ client, trusted: true });
  });

  test("is not believed about X-Real-IP or Forwarded", () => {
    const fields = Fields.of(["X-Real-IP", "198.51.100.1"], ["Forwarded", "for=198.51.100.1"]);
    expect(clientAddress(TRUSTED, "10.0.0.1", fields)).toEqual({ client: "10.0.0.1", trusted: true });
  });
});

describe("a stranger behind honest proxies", () => {
  const proxy = fc.integer({ min: 0, max: 0xffffff }).map((n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  const stranger = fc.ipV4().filter((address) => !address.startsWith("10."));
  const entry = fc.oneof(
    proxy,
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom("", "unknown", "_x", "10.0.0.1:80", '"'),
    fc.string({ unit: "binary" }),
  );
  const made = fc.array(
    fc.array(entry).map((entries) => entries.join(",")),
    { maxLength: 3 },
  );

  test("is the client, whatever it sends and however the proxies write", () => {
    fc.assert(
      fc.property(
        made,
        stranger,
        fc.array(fc.tuple(proxy, fc.boolean()), { minLength: 1, maxLength: 4 }),
        (lines, real, hops) => {
          const fields = Fields.of(...lines.map((value) => ["x-forwarded-for", value] as const));
          let previous = real;
          for (const [address, ownLine] of hops) {
            const list = fields.joined("x-forwarded-for");
            if (ownLine || list === undefined) fields.add("X-Forwarded-For", previous);
            else fields.set("X-Forwarded-For", `${list}, ${previous}`);
            previous = address;
          }
          expect(clientAddress(TRUSTED, previous, fields)).toEqual({ client: real, trusted: true });
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("the client is always the peer or an address that a trusted hop wrote", () => {
  const part = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.1", "10.0.0.2", "unknown", ""), fc.string());
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const { client } = read("10.0.0.1", parts.join(","));
      const walked = parts.join(",").split(",").reverse();
      const beyond = walked.findIndex((text) => !TRUSTED(text.trim()));
      const allowed = walked.slice(0, beyond < 0 ? walked.length : beyond + 1).map((text) => text.trim());
      expect(["10.0.0.1", ...allowed.map((text) => cidrSetSpelling(text))]).toContain(client);
    }),
  );
});

function cidrSetSpelling(text: string): string | undefined {
  return clientAddress(() => true, "10.0.0.1", Fields.of(["X-Forwarded-For", text])).client;
}
