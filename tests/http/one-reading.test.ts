// Smuggling (GW-55, GW-56, GW-58): a message that could be read in two ways is refused, or ends where the RFC lets it end.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CHUNKED, UNTIL_CLOSE } from "../../src/http/message.ts";
import { readRequestHead } from "../../src/http/request-head.ts";
import { readResponseHead } from "../../src/http/response-head.ts";
import { bytesOf, LIMITS, outcomeOf, readBody } from "./wire.ts";

/** Where a message ends and what it holds; `refuse`: no reading is allowed; `more`: its end has not come. */
type Reading = { readonly end: number; readonly content: string } | "refuse" | "more";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

/** Lines that frame, or seem to. */
const framingLine = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "Content-Length: 0",
      "Content-Length: 5",
      "content-length:5",
      "Content-Length: 40",
      "Transfer-Encoding: chunked",
      "TRANSFER-ENCODING: CHUNKED",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "Content-Length: 05",
      "Content-Length: 5, 5",
      "Content-Length: 5,6",
      "Content-Length: +5",
      "Content-Length: 0x5",
      "Content-Length:",
      "Content-Length: 5 5",
      "Content-Length: 99999999999999999999",
      "Transfer-Encoding: identity",
      "Transfer-Encoding: gzip, chunked",
      "Transfer-Encoding: chunked, chunked",
      "Transfer-Encoding: chunked, identity",
      "Transfer-Encoding: xchunked",
      'Transfer-Encoding: "chunked"',
      "Transfer-Encoding: chunked;a=b",
      "Transfer-Encoding:",
      "Transfer-Encoding: ,",
      "Transfer-Encoding: \x0bchunked",
      "Content_Length: 5",
      "X: Content-Length: 5",
      "Connection: Content-Length",
      "Connection: Transfer-Encoding",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "Content-Length : 5",
      "Content-Length\t: 5",
      "Transfer-Encoding : chunked",
      " Transfer-Encoding: chunked",
      "X: y\r\n Content-Length: 5",
      "Transfer-Encoding:\r\n chunked",
      "X: y\rContent-Length: 5",
      "X: y\nTransfer-Encoding: chunked",
      "Content-Length: 5\0",
      "\0Content-Length: 5",
      "Content-Length 5",
      ": 5",
    ),
  },
);
const lines = fc.array(framingLine, { maxLength: 3 });

/** What stands behind the head. */
const behind = fc
  .tuple(
    fc.constantFrom(
      "",
      "hello",
      "0\r\n\r\n",
      "5\r\nhello\r\n0\r\n\r\n",
      "5;a=b\r\nhello\r\n0;c\r\n\r\n",
      "0005\r\nhello\r\n00\r\nX: y\r\n\r\n",
      "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
      "5\nhello\r\n0\r\n\r\n",
      "5\r\nhello0\r\n\r\n",
      "5\r\nhello\n0\r\n\r\n",
      "0x5\r\nhello\r\n0\r\n\r\n",
      "+5\r\nhello\r\n0\r\n\r\n",
      "5 \r\nhello\r\n0\r\n\r\n",
      "5;\n\r\nhello\r\n0\r\n\r\n",
      "\r\nhello\r\n0\r\n\r\n",
      "\r\n\r\n",
      "00000000000000005\r\nhello\r\n0\r\n\r\n",
      "10000000000000005\r\nhello\r\n0\r\n\r\n",
      "0\r\nXX",
      "0\r\nX : y\r\n\r\n",
      "0\n\r\n",
    ),
    fc.constantFrom("", SMUGGLED),
  )
  .map((parts) => parts.join(""));

/** The length that these lines give by RFC 9112 section 6.3, or that they give none. */
function framingOf(lines: string, minor: number, twins: boolean): number | undefined | "refuse" {
  const lengths: string[] = [];
  const codings: string[] = [];
  for (const line of lines.split("\r\n")) {
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/.exec(line);
    if (parts === null) return "refuse";
    const name = parts[1]!.toLowerCase();
    if (name === "content-length") lengths.push(parts[2]!);
    if (name === "transfer-encoding") codings.push(parts[2]!.toLowerCase());
  }
  if (lengths.some((length) => !/^\d{1,15}$/.test(length))) return "refuse";
  if (lengths.length > 1 && (!twins || new Set(lengths).size > 1)) return "refuse";
  if (codings.length > 0)
    return minor === 1 && lengths.length === 0 && codings.join() === "chunked" ? CHUNKED : "refuse";
  return lengths.length === 0 ? undefined : Number(lengths[0]);
}

/** The content of chunks by RFC 9112 section 7.1, cut out with as little thought as possible. */
function chunksOf(text: string): Reading {
  let rest = text;
  let content = "";
  for (;;) {
    const line = /^([0-9A-Fa-f]{1,13})(?:;[\w=;"]+)?\r\n/.exec(rest);
    if (line === null) return /^[0-9A-Fa-f]*(?:;[\w=;"]*)?\r?$/.test(rest) ? "more" : "refuse";
    const size = Number.parseInt(line[1]!, 16);
    rest = rest.slice(line[0].length);
    if (size === 0) break;
    if (rest.length < size + 2) return /^\r?$/.test(rest.slice(size)) ? "more" : "refuse";
    if (rest.slice(size, size + 2) !== "\r\n") return "refuse";
    content += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
  const trailers = /^(?:[\w-]+:[\t\x20-\x7e]*\r\n)*\r\n/.exec(rest);
  if (trailers === null) return /\r\n\r\n/.test(rest) || /^(?!\r\n)[^\w\r]/.test(rest) ? "refuse" : "more";
  return { end: text.length - rest.length + trailers[0].length, content };
}

function bodyOf(length: number, text: string): Reading {
  if (length === CHUNKED) return chunksOf(text);
  if (length === UNTIL_CLOSE) return { end: text.length, content: text };
  return text.length < length ? "more" : { end: length, content: text.slice(0, length) };
}

/** What our readers make of a message; `more` and `refuse` as above. */
function ourReading(
  text: string,
  bodyLength: (bytes: Uint8Array) => { bodyLength: number; end: number } | undefined,
): Reading {
  const bytes = bytesOf(text);
  const outcome = outcomeOf(() => {
    const head = bodyLength(bytes);
    if (head === undefined) return "more";
    const body = readBody(head.bodyLength, [bytes.subarray(head.end)]);
    if (!body.done && head.bodyLength !== UNTIL_CLOSE) return "more";
    return { end: head.end + body.end, content: body.content };
  });
  return typeof outcome === "object" || outcome === "more" ? outcome : "refuse";
}

/** Never another reading than the one allowed. Refusing is always allowed; how often it is done is counted. */
class Tally {
  read = 0;
  refused = 0;

  compare(ours: Reading, allowed: Reading, text: string): void {
    if (ours === "refuse") {
      this.refused++;
      return;
    }
    // To wait for more is to accept nothing yet.
    const reading: Reading = ours === "more" && allowed === "refuse" ? "more" : allowed;
    expect<unknown>({ text, reading: ours }).toEqual({ text, reading });
    if (ours !== "more") this.read++;
  }
}

describe("whatever lines frame a message and whatever stands behind it", () => {
  test("a request is refused, or ends where the one reading ends", () => {
    const tally = new Tally();
    fc.assert(
      fc.property(lines, fc.constantFrom(0, 1), behind, (lines, minor, behind) => {
        const head = `POST / HTTP/1.${minor}\r\n${["Host: h", ...lines].join("\r\n")}\r\n\r\n`;
        const length = framingOf(["Host: h", ...lines].join("\r\n"), minor, false);
        const body = length === "refuse" ? "refuse" : bodyOf(length ?? 0, behind);
        const allowed = typeof body === "object" ? { ...body, end: head.length + body.end } : body;
        const ours = ourReading(head + behind, (bytes) => readRequestHead(bytes, 0, LIMITS));
        tally.compare(ours, allowed, head + behind);
      }),
      { numRuns: 4000 },
    );
    expect(tally.read).toBeGreaterThan(400);
    expect(tally.refused).toBeGreaterThan(400);
  });

  test("a response is refused, or ends where the one reading ends", () => {
    const tally = new Tally();
    const status = fc.constantFrom(200, 404, 204, 304, 100);
    fc.assert(
      fc.property(lines, status, fc.constantFrom("GET", "HEAD"), behind, (lines, status, method, behind) => {
        const head = `HTTP/1.1 ${status} x\r\n${["Date: d", ...lines].join("\r\n")}\r\n\r\n`;
        const length = framingOf(["Date: d", ...lines].join("\r\n"), 1, true);
        // Rule 1: nothing follows these, whatever their fields say.
        const empty = method === "HEAD" || status < 200 || status === 204 || status === 304;
        const body = empty ? bodyOf(0, behind) : length === "refuse" ? "refuse" : bodyOf(length ?? UNTIL_CLOSE, behind);
        const allowed = typeof body === "object" ? { ...body, end: head.length + body.end } : body;
        const ours = ourReading(head + behind, (bytes) => readResponseHead(bytes, 0, LIMITS, method));
        tally.compare(ours, allowed, head + behind);
      }),
      { numRuns: 4000 },
    );
    expect(tally.read).toBeGreaterThan(400);
    expect(tally.refused).toBeGreaterThan(400);
  });
});
