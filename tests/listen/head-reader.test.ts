// HeadReader: requests sent in any pieces, one behind another, come out in order and alike, and floods are refused early.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BodyReader } from "../../src/http/framing.ts";
import { type HeadLimits, Malformed } from "../../src/http/message.ts";
import { HeadReader } from "../../src/listen/head-reader.ts";
import { anyCuts, anyRequest, mutated } from "../http/arbitraries.ts";
import { bytesOf, cutAt, LIMITS, linesOf, textOf } from "../http/wire.ts";

/** A request that came out, or why none came any more. */
type Outcome = { method: string; target: string; fields: unknown; content: string } | Malformed["kind"];

/** Reads pieces as a connection does: a head, its body, the next head. Ends with the first refusal. */
function readAll(pieces: readonly Uint8Array[], limits: HeadLimits = LIMITS): Outcome[] {
  const reader = new HeadReader(limits);
  const outcomes: Outcome[] = [];
  let body: BodyReader | undefined;
  const feed = (bytes: Uint8Array): void => {
    const end = body!.feed(bytes, 0, (piece) => {
      const last = outcomes.at(-1) as Exclude<Outcome, string>;
      last.content += textOf(piece);
    });
    if (body!.done) body = undefined;
    if (end < bytes.length) reader.add(bytes.subarray(end));
  };
  try {
    for (const piece of pieces) {
      if (body === undefined) reader.add(piece);
      else feed(piece);
      while (body === undefined) {
        const head = reader.read();
        if (head === undefined) {
          if (reader.tooLong) throw new Malformed("size", "the head is too large");
          break;
        }
        outcomes.push({ method: head.method, target: head.target, fields: linesOf(head.fields), content: "" });
        body = new BodyReader(head.bodyLength);
        if (body.done) body = undefined;
        else feed(reader.take());
      }
    }
  } catch (fault) {
    if (!(fault instanceof Malformed)) throw fault;
    outcomes.push(fault.kind);
  }
  return outcomes;
}

const pipeline = fc.array(anyRequest, { minLength: 1, maxLength: 4 });

test("requests one behind another come out in order, each with its content, in whatever pieces they come", () => {
  fc.assert(
    fc.property(pipeline, anyCuts, fc.boolean(), (requests, cuts, native) => {
      const text = requests.map(({ text }) => text).join("");
      const bytes = native ? Buffer.from(text, "latin1") : bytesOf(text);
      const meant = requests.map(({ method, target, fields, content }) => ({ method, target, fields, content }));
      expect(readAll(cutAt(bytes, cuts))).toEqual(meant as Outcome[]);
    }),
    { numRuns: 500 },
  );
});

test("also byte by byte", () => {
  fc.assert(
    fc.property(pipeline, (requests) => {
      const bytes = bytesOf(requests.map(({ text }) => text).join(""));
      expect(readAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(readAll([bytes]));
    }),
    { numRuns: 100 },
  );
});

/** Outcomes that end with a refusal, less what depends on the pieces: its kind, and how much content came before it. */
function refused(outcomes: readonly Outcome[]): unknown[] | undefined {
  if (typeof outcomes.at(-1) !== "string") return undefined;
  return outcomes
    .slice(0, -1)
    .map((one, index, all) => (index === all.length - 1 ? { ...(one as object), content: "" } : one));
}

test("mutated requests in pieces are read and refused as in one piece", () => {
  const wire = mutated(pipeline.map((requests) => requests.map(({ text }) => text).join("")));
  fc.assert(
    fc.property(wire, anyCuts, (text, cuts) => {
      const bytes = bytesOf(text);
      const whole = readAll([bytes]);
      const pieces = cutAt(bytes, cuts);
      if (refused(whole) === undefined) expect(readAll(pieces)).toEqual(whole);
      // What is wrong in a head that drips in may be found only where the head ends.
      else expect(refused(readAll([...pieces, bytesOf("\r\n\r\n")]))).toEqual(refused(whole));
    }),
    { numRuns: 1000 },
  );
});

test("limits hold alike for heads that come at once and in pieces", () => {
  const limits = { maxTarget: 40, maxHead: 120, maxFields: 4 };
  const request = fc
    .record({
      target: fc.integer({ min: 1, max: 60 }),
      fields: fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 6 }),
    })
    .map(({ target, fields }) => {
      return `GET /${"a".repeat(target)} HTTP/1.1\r\n${fields.map((length) => `X: ${"b".repeat(length)}\r\n`).join("")}\r\n`;
    });
  const kinds = { read: 0, size: 0, "target-size": 0 };
  fc.assert(
    fc.property(request, anyCuts, (text, cuts) => {
      const bytes = bytesOf(text);
      const [whole] = readAll([bytes], limits);
      const [pieces] = readAll(cutAt(bytes, cuts), limits);
      kinds[typeof whole === "string" ? (whole as "size") : "read"]++;
      expect(pieces).toEqual(whole as Outcome);
    }),
    { numRuns: 1000 },
  );
  expect(Math.min(kinds.read, kinds.size, kinds["target-size"])).toBeGreaterThan(50);
});

describe("a head that drips in", () => {
  const drip = (text: string, limits = LIMITS): { read: number; kind: string | undefined; reader: HeadReader } => {
    const reader = new HeadReader(limits);
    let fed = 0;
    for (const character of text) {
      reader.add(bytesOf(character));
      fed++;
      try {
        if (reader.read() !== undefined) return { read: fed, kind: undefined, reader };
      } catch (fault) {
        return { read: fed, kind: (fault as Malformed).kind, reader };
      }
      if (reader.tooLong) return { read: fed, kind: "too long", reader };
    }
    return { read: fed, kind: "waits", reader };
  };

  test("whose request line grows too long is refused there, not at its end", () => {
    const { read, kind } = drip(`GET /${"a".repeat(20_000)}`);
    expect([read, kind]).toEqual([8193, "target-size"]);
  });

  test("whose fields grow too long is known there", () => {
    const { read, kind } = drip(`GET / HTTP/1.1\r\nX: ${"a".repeat(40_000)}`);
    expect([read, kind]).toEqual([32_769, "too long"]);
  });

  test("of empty lines without end is known as well", () => {
    const limits = { ...LIMITS, maxHead: 2000 };
    expect(drip("\r\n".repeat(1001), limits)).toMatchObject({ kind: "too long", read: 2001 });
  });

  test("is read at its last byte", () => {
    const text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    expect(drip(`\r\n\r\n${text}GET`)).toMatchObject({ read: 4 + text.length, kind: undefined });
  });

  test("that ends with bare line feeds is refused instead of waited for (GW-56)", () => {
    for (const text of [
      "GET / HTTP/1.1\nHost: h\n\n",
      "GET / HTTP/1.1\r\nHost: h\n\n",
      "GET / HTTP/1.1\r\nHost: h\r\n\n",
    ]) {
      expect(drip(text)).toMatchObject({ read: text.length, kind: "syntax" });
    }
  });

  test("costs no more for each byte than for each byte of a whole one: 30 KB in single bytes", () => {
    const text = `GET / HTTP/1.1\r\n${`X: ${"a".repeat(300)}\r\n`.repeat(95)}\r\n`;
    const started = performance.now();
    expect(drip(text)).toMatchObject({ read: text.length, kind: undefined });
    // Reading it anew at each byte would take seconds.
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("the bytes that wait", () => {
  test("are counted, and are fresh until somebody has looked", () => {
    const reader = new HeadReader(LIMITS);
    expect([reader.length, reader.fresh, reader.read()]).toEqual([0, true, undefined]);
    reader.add(bytesOf("GET /"));
    expect([reader.length, reader.fresh]).toEqual([5, true]);
    expect(reader.read()).toBeUndefined();
    expect([reader.length, reader.fresh, reader.tooLong]).toEqual([5, false, false]);
    reader.add(bytesOf(" HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n"));
    expect(reader.read()).toMatchObject({ target: "/" });
    expect([reader.length, reader.fresh]).toEqual([17, true]);
  });

  test("can be taken away in part or as a whole, and what is added later does not change what was taken", () => {
    const reader = new HeadReader(LIMITS);
    reader.add(bytesOf("abc"));
    reader.add(bytesOf("def"));
    const part = reader.take(2);
    reader.add(bytesOf("ghi"));
    const rest = reader.take();
    reader.add(bytesOf("xyz"));
    expect([textOf(part), textOf(rest), reader.length]).toEqual(["ab", "cdefghi", 3]);
    expect(textOf(reader.take())).toBe("xyz");
    expect(reader.take()).toHaveLength(0);
  });

  test("are not copied when they come at once", () => {
    const reader = new HeadReader(LIMITS);
    const bytes = bytesOf("abc");
    reader.add(bytes);
    expect(reader.take().buffer).toBe(bytes.buffer);
  });
});
