// However bytes are cut into pieces, bodies are read alike; and what this code frames, this code reads back.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fields } from "../../src/http/fields.ts";
import { BodyReader, chunkOf, lastChunk } from "../../src/http/framing.ts";
import { CHUNKED, Malformed, UNTIL_CLOSE } from "../../src/http/message.ts";
import { readRequestHead } from "../../src/http/request-head.ts";
import { readResponseHead } from "../../src/http/response-head.ts";
import { anyCuts, anyRequest, anyResponse, anyShare, mutated } from "./arbitraries.ts";
import { bytesOf, cutAt, LIMITS, linesOf, outcomeOf, readBody } from "./wire.ts";

const RUNS = { numRuns: 500 };
const framing = /^(?:connection|content-length|transfer-encoding|keep-alive|te|trailer|upgrade)$/i;

/** Everything behind the head of a chunked message, mutated or not. */
const chunkedBody = fc
  .oneof(anyRequest, anyResponse)
  .filter(({ fields }) => fields.some(([name]) => name === "Transfer-Encoding"))
  .map(({ text }) => text.slice(text.indexOf("\r\n\r\n") + 4));

test("a request is read as it was meant, up to its last byte", () => {
  fc.assert(
    fc.property(anyRequest, ({ text, method, target, minor, fields, content, trailers }) => {
      const bytes = bytesOf(`${text}GET /next`);
      const head = readRequestHead(bytes, 0, LIMITS)!;
      expect([head.method, head.target, head.minor]).toEqual([method, target, minor]);
      expect(linesOf(head.fields)).toEqual(fields as [string, string][]);
      const body = readBody(head.bodyLength, [bytes.subarray(head.end)]);
      expect(body).toEqual({
        content,
        end: text.length - head.end,
        done: true,
        trailers: trailers.length === 0 ? undefined : (trailers as [string, string][]),
      });
    }),
    RUNS,
  );
});

test("a response is read as it was meant, up to its last byte", () => {
  fc.assert(
    fc.property(anyResponse, ({ text, status, fields, content }) => {
      const bytes = bytesOf(`${text}HTTP/1.1 200 smuggled`);
      const head = readResponseHead(bytes, 0, LIMITS, "GET")!;
      expect(head.status).toBe(status);
      expect(linesOf(head.fields)).toEqual(fields.filter(([name]) => !framing.test(name)) as [string, string][]);
      const body = readBody(head.bodyLength, [bytes.subarray(head.end)]);
      expect([body.content, head.end + body.end, body.done]).toEqual([content, text.length, true]);
    }),
    RUNS,
  );
});

test("a chunked body in pieces is the body in one piece: content, trailers, end and refusal", () => {
  fc.assert(
    fc.property(fc.oneof(chunkedBody, mutated(chunkedBody)), anyCuts, (text, cuts) => {
      const bytes = bytesOf(`${text}GET /next HTTP/1.1\r\n\r\n`);
      const whole = outcomeOf(() => readBody(CHUNKED, [bytes]));
      expect(outcomeOf(() => readBody(CHUNKED, cutAt(bytes, cuts)))).toEqual(whole);
    }),
    { numRuns: 1000 },
  );
});

test("byte by byte is the same as well", () => {
  fc.assert(
    fc.property(fc.oneof(chunkedBody, mutated(chunkedBody)), (text) => {
      const bytes = bytesOf(`${text}GET`);
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      expect(outcomeOf(() => readBody(CHUNKED, single))).toEqual(outcomeOf(() => readBody(CHUNKED, [bytes])));
    }),
    RUNS,
  );
});

test("a sized body and one until the end of the connection in pieces are the same in one piece", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60, size: "max" }), anyCuts, fc.nat(70), (bytes, cuts, length) => {
      for (const kind of [length, UNTIL_CLOSE]) {
        const whole = readBody(kind, [bytes]);
        expect(readBody(kind, cutAt(bytes, cuts))).toEqual(whole);
        expect(whole.end).toBe(kind === UNTIL_CLOSE ? bytes.length : Math.min(length, bytes.length));
      }
    }),
    RUNS,
  );
});

test("what chunkOf and lastChunk write is read back, in any pieces", () => {
  const trailer = fc.tuple(fc.constantFrom("Digest", "etag", "A"), fc.constantFrom("", "x y", "\xe9"));
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300, size: "max" }), { maxLength: 5 }),
      fc.array(trailer, { maxLength: 3 }),
      anyCuts,
      (pieces, trailers, cuts) => {
        const end = lastChunk(trailers.length === 0 ? undefined : Fields.of(...trailers));
        const wire = Buffer.concat([...pieces.map(chunkOf), bytesOf(end)]);
        expect(readBody(CHUNKED, cutAt(wire, cuts))).toEqual({
          content: Buffer.concat(pieces).toString("latin1"),
          end: wire.length,
          done: true,
          trailers: trailers.length === 0 ? undefined : trailers,
        });
      },
    ),
    RUNS,
  );
});

test("a head is not read before its last byte, and then as if it had come at once", () => {
  fc.assert(
    fc.property(anyRequest, anyResponse, anyShare, (request, response, share) => {
      const [asked, answered] = [bytesOf(request.text), bytesOf(response.text)];
      const ends = [readRequestHead(asked, 0, LIMITS)!.end, readResponseHead(answered, 0, LIMITS, "GET")!.end] as const;
      const cut = (bytes: Uint8Array, end: number): Uint8Array => bytes.subarray(0, Math.floor(share * end * 0.999));
      expect(readRequestHead(cut(asked, ends[0]), 0, LIMITS)).toBeUndefined();
      expect(readResponseHead(cut(answered, ends[1]), 0, LIMITS, "GET")).toBeUndefined();
    }),
    RUNS,
  );
});

test("whatever the bytes, a reader refuses with Malformed and with nothing else", () => {
  const wire = fc.oneof(
    fc.uint8Array({ maxLength: 80, size: "max" }),
    mutated(anyRequest.map(({ text }) => text)).map(bytesOf),
    mutated(anyResponse.map(({ text }) => text)).map(bytesOf),
  );
  const refusedCleanly = (read: () => unknown): boolean => {
    try {
      read();
      return true;
    } catch (fault) {
      return fault instanceof Malformed && fault.message !== "";
    }
  };
  fc.assert(
    fc.property(wire, fc.constantFrom("GET", "HEAD", "POST"), fc.boolean(), (plain, method, native) => {
      const bytes = native ? Buffer.from(plain) : plain;
      expect(refusedCleanly(() => readRequestHead(bytes, 0, LIMITS))).toBe(true);
      expect(refusedCleanly(() => readResponseHead(bytes, 0, LIMITS, method))).toBe(true);
      expect(refusedCleanly(() => new BodyReader(CHUNKED).feed(bytes, 0, () => {}))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
