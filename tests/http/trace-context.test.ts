// traceparent and tracestate against the grammar of W3C Trace Context, by table and by property.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readTraceparent, readTracestate, spanIdOf, traceIdOf, traceparentOf } from "../../src/http/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

const hex = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((id) => !/^0+$/.test(id));

const LONG = "averyveryverylongvendor";

describe("traceparent", () => {
  test.each([
    ["of this version", `00-${TRACE}-${SPAN}-01`, 1],
    ["that is not sampled", `00-${TRACE}-${SPAN}-00`, 0],
    ["that is random, too (level 2)", `00-${TRACE}-${SPAN}-03`, 3],
    ["with flags that nobody knows", `00-${TRACE}-${SPAN}-fd`, 1],
    ["of a later version", `cc-${TRACE}-${SPAN}-01`, 1],
    ["of a later version that says more", `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
  ])("%s is read", (_, text, flags) => {
    expect(readTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, flags });
  });

  test.each([
    ["is empty", ""],
    ["has the version that is none", `ff-${TRACE}-${SPAN}-01`],
    ["says more than its version has", `00-${TRACE}-${SPAN}-01-more`],
    ["says more without a dash", `cc-${TRACE}-${SPAN}-01more`],
    ["has capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["has a trace id of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["has a span id of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["has a short trace id", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["has a long span id", `00-${TRACE}-${SPAN}0-01`],
    ["has no flags", `00-${TRACE}-${SPAN}`],
    ["has one digit of flags", `00-${TRACE}-${SPAN}-1`],
    ["has digits that are none", `00-${TRACE}-${SPAN}-0g`],
    ["stands twice in one line", `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ["begins with a blank", ` 00-${TRACE}-${SPAN}-01`],
  ])("one that %s is none", (_, text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });

  test("what is written is read again", () => {
    fc.assert(
      fc.property(hex(32), hex(14), fc.nat(254), fc.nat(3), (id, seed, number, flags) => {
        const trace = { stem: `${id}-${seed}`, flags };
        const [traceId, spanId] = [traceIdOf(trace), spanIdOf(trace, number)];
        expect(readTraceparent(traceparentOf(trace, number))).toEqual({ traceId, spanId, flags });
      }),
    );
  });

  test("no text at all makes it throw, or is taken when a digit of it changes into none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        const read = readTraceparent(text);
        expect(read === undefined || /^[0-9a-f]{32}$/.test(read.traceId)).toBe(true);
      }),
    );
    const right = `00-${TRACE}-${SPAN}-01`;
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.constantFrom("g", "G", " ", ",", "\t", "é"), (at, wrong) => {
        expect(readTraceparent(right.slice(0, at) + wrong + right.slice(at + 1))).toBeUndefined();
      }),
    );
  });
});

describe("tracestate", () => {
  test.each<[string, string[], string[]]>([
    ["members in order", ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], ["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE"]],
    ["several lines as one", ["a=1", "b=2"], ["a=1", "b=2"]],
    ["blanks around members, and empty ones", [" a=1 ,\t,, b=2"], ["a=1", "b=2"]],
    ["a tenant", ["fw529a3039@dt=FfAAAA"], ["fw529a3039@dt=FfAAAA"]],
    ["a value with blanks inside", ["a=x y"], ["a=x y"]],
    ["no value", ["a="], []],
    ["no key", ["=1"], []],
    ["a capital in a key", ["A=1"], []],
    ["a key that begins with a digit and has no tenant (level 2)", ["vendor=1,1a=x"], ["vendor=1", "1a=x"]],
    ["a vendor longer than level 1 had room for", [`a=1,tenant@${LONG}=1`], ["a=1", `tenant@${LONG}=1`]],
    ["several at signs", ["a@b@c=1"], ["a@b@c=1"]],
    ["a key of 256 characters", [`${"k".repeat(256)}=1`], [`${"k".repeat(256)}=1`]],
    ["a key of 257 characters", [`${"k".repeat(257)}=1`], []],
    ["an at sign at the beginning of a key", ["@a=1"], []],
    ["an equals sign in a value", ["a=b=c"], []],
    ["a key that stands twice", ["a=1,b=2,a=3"], []],
    ["one member that is wrong", ["a=1,nonsense"], []],
    ["32 members", [keyed(32)], keyed(32).split(",")],
    ["33 members", [keyed(33)], []],
    ["nothing", [""], []],
  ])("%s", (_, lines, members) => {
    expect(readTracestate(lines)).toEqual(members);
  });

  test("too much of it loses long members first, then the last ones", () => {
    const long = `long=${"x".repeat(200)}`;
    const short = Array.from({ length: 25 }, (_, at) => `k${at}=${"y".repeat(20)}`);
    expect(readTracestate([[long, ...short.slice(0, 12)].join(",")])).toHaveLength(13);
    expect(readTracestate([[long, ...short.slice(0, 16)].join(",")])).toEqual(short.slice(0, 16));
    const kept = readTracestate([short.join(",")]);
    expect(kept).toEqual(short.slice(0, kept.length));
    expect([kept.length < 25, kept.join(",").length <= 512]).toEqual([true, true]);
    expect([...kept, short[kept.length]].join(",").length).toBeGreaterThan(512);
  });

  test("whatever comes, what is passed on is a list of the grammar that is read as the same, and is short", () => {
    const member = fc.oneof(
      fc.stringMatching(/^[a-z0-9][a-z0-9_*/@-]{0,20}=[!-+.-<>-~]{1,60}$/),
      fc.string({ unit: "binary", maxLength: 20 }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(member, { maxLength: 12 }), { maxLength: 4 }), (lines) => {
        const read = readTracestate(lines.map((each) => each.join(",")));
        const text = read.join(",");
        expect(readTracestate([text])).toEqual(read);
        expect([text.length <= 512, read.length <= 32, /^[ -~]*$/.test(text)]).toEqual([true, true, true]);
      }),
    );
  });
});

test("the spans of an exchange have ids of their own, which are ids", () => {
  const stem = fc.stringMatching(/^[0-9a-f]{32}-[0-9a-f]{14}$/);
  fc.assert(
    fc.property(stem, fc.uniqueArray(fc.integer({ min: 0, max: 254 }), { minLength: 2 }), (stem, numbers) => {
      const ids = numbers.map((number) => spanIdOf({ stem, flags: 1 }, number));
      expect(new Set(ids).size).toBe(numbers.length);
      expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id) && !/^0+$/.test(id))).toBe(true);
    }),
  );
});

function keyed(count: number): string {
  return Array.from({ length: count }, (_, at) => `k${at}=1`).join(",");
}
