// Whatever we accept, llhttp in strict mode accepts and reads alike; where not, a table says why.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import { Fields, HOP_BY_HOP, tokens } from "../../src/http/fields.ts";
import { BodyReader } from "../../src/http/framing.ts";
import { Malformed, UNTIL_CLOSE } from "../../src/http/message.ts";
import { readRequestHead } from "../../src/http/request-head.ts";
import { readResponseHead } from "../../src/http/response-head.ts";
import { readTarget } from "../../src/http/target.ts";
import { admit } from "../../src/listen/admit.ts";
import { anyRequest, anyResponse, mutated } from "./arbitraries.ts";
import { askLlhttp, type Opinion, throughUtf8 } from "./llhttp.ts";
import { bytesOf, LIMITS, textOf } from "./wire.ts";

/** A message as we read it, and the bytes it took. */
type Ours = Opinion & { readonly wire: string };

interface Head {
  readonly end: number;
  readonly bodyLength: number;
  readonly keepAlive: boolean;
  readonly told: Omit<Opinion, "content" | "complete" | "keepAlive">;
}

const lines = (fields: Fields): [string, string][] => [...fields].map(([name, value]) => [name, throughUtf8(value)]);

function requestAt(bytes: Uint8Array, at: number): Head | undefined {
  const head = readRequestHead(bytes, at, LIMITS);
  if (head === undefined) return undefined;
  // What a target may be is judged behind the reader; the Host field is not llhttp's business.
  const arrival = admit({ ...head, fields: Fields.of(["Host", "h"]) }, false, "", null);
  const refused =
    arrival instanceof GatewayError || (arrival.target !== "*" && typeof readTarget(arrival.target) === "string");
  if (refused) throw new Malformed("syntax", "the target is refused");
  const { method, minor } = head;
  return { ...head, told: { method, target: throughUtf8(head.target), status: 0, minor, fields: lines(head.fields) } };
}

function responseAt(bytes: Uint8Array, at: number, method: string): Head | undefined {
  const head = readResponseHead(bytes, at, LIMITS, method);
  if (head === undefined) return undefined;
  const { status } = head;
  return { ...head, told: { method: "", target: "", status, minor: 0, fields: lines(head.fields) } };
}

/** Reads messages until one is refused, or is the last of its connection. */
function readOurs(bytes: Uint8Array, headAt: (bytes: Uint8Array, at: number) => Head | undefined): Ours[] {
  const messages: Ours[] = [];
  for (let at = 0; at < bytes.length;) {
    let content = "";
    try {
      const head = headAt(bytes, at);
      if (head === undefined) break;
      const body = new BodyReader(head.bodyLength);
      const end = body.feed(bytes, head.end, (piece) => void (content += textOf(piece)));
      const { keepAlive } = head;
      messages.push({ ...head.told, keepAlive, content, complete: body.done, wire: textOf(bytes.subarray(at, end)) });
      if (!body.done || !keepAlive) break;
      at = end;
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      break;
    }
  }
  return messages;
}

/** A message that we accept and llhttp refuses or reads otherwise. */
interface Difference {
  readonly what: string;
  readonly because: string;
  readonly kind: "REQUEST" | "RESPONSE" | "both";
  /** Tells from the bytes of the message, as latin1 text. */
  readonly applies: RegExp;
  readonly example: string;
  readonly toHead?: true;
}

const KNOWN_METHODS =
  "DELETE|GET|HEAD|POST|PUT|CONNECT|OPTIONS|TRACE|COPY|LOCK|MKCOL|MOVE|PROPFIND|PROPPATCH|SEARCH|UNLOCK|BIND|REBIND|" +
  "UNBIND|ACL|REPORT|MKACTIVITY|CHECKOUT|MERGE|M-SEARCH|NOTIFY|SUBSCRIBE|UNSUBSCRIBE|PATCH|PURGE|MKCALENDAR|LINK|UNLINK|SOURCE|QUERY";
const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";

const DIFFERENCES: readonly Difference[] = [
  {
    what: "a method that is in no list",
    because: "RFC 9110 section 9.1: methods are open; which of them a route takes is the config's to say",
    kind: "REQUEST",
    applies: new RegExp(`^(?:\\r\\n)*(?!(?:${KNOWN_METHODS}) )`),
    example: "BREW / HTTP/1.1\r\n\r\n",
  },
  {
    what: "a byte above 0x7F in the target",
    because: "clients do send UTF-8 unescaped; the byte goes on as it is, so nobody down the line reads another target",
    kind: "REQUEST",
    applies: /^(?:\r\n)*[^ ]+ [^ ]*[\x80-\xff]/,
    example: "GET /\xc3\xb8 HTTP/1.1\r\n\r\n",
  },
  {
    what: "a request to upgrade",
    because: "llhttp stops behind every such head; we go on unless the upgrade comes about (RFC 9110 section 7.8)",
    kind: "REQUEST",
    applies: /\nupgrade:/i,
    example: "POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\na",
  },
  {
    what: "a tab behind a Content-Length, a Transfer-Encoding or a member of Connection",
    because: "RFC 9110 section 5.5, 5.6.1: optional white space is space or tab, and no part of the value",
    kind: "both",
    applies: /\n(?:content-length|transfer-encoding|connection):[\t ]*[^\t\r][^\r]*\t/i,
    example: "POST / HTTP/1.1\r\nContent-Length: 1\t\r\n\r\na",
  },
  {
    what: "blanks in a chunk extension",
    because: "RFC 9112 section 7.1.1 has bad white space there, and recipients must read it",
    kind: "both",
    applies: /\n[0-9A-Fa-f]+(?:;[^\r\n]*)?[\t ]*;[\t ]|\n[0-9A-Fa-f]+;[^\r\n]*[\t ]/,
    example: `POST / HTTP/1.1\r\n${CHUNKED}1; a = b\r\na\r\n0\r\n\r\n`,
  },
  {
    what: "trailers that frame",
    because: "they are dropped and never merged (RFC 9110 section 6.5.1), so what they say cannot matter",
    kind: "both",
    applies: /\ntransfer-encoding:[^]*\r\n\r\n[^]*\n(?:content-length|transfer-encoding|connection):/i,
    example: `POST / HTTP/1.1\r\n${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`,
  },
  {
    what: "the same Content-Length twice in a response",
    because: "RFC 9110 section 8.6 allows to take it as one; it goes on as one. In a request it is refused",
    kind: "RESPONSE",
    applies: /\ncontent-length:[^]*\ncontent-length:/i,
    example: `${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
  },
  {
    what: "framing fields that contradict each other in a response without content",
    because:
      "RFC 9112 section 6.3, rule 1: with 1xx, 204 and 304, and to HEAD, it ends with its head whatever they say",
    kind: "RESPONSE",
    applies:
      /^HTTP\/1\.\d (?:1..|204|304)[^]*\n(?:content-length|transfer-encoding):[^]*\n(?:content-length|transfer-encoding):/i,
    example: `HTTP/1.1 304 x\r\nContent-Length: 5\r\n${CHUNKED}`,
  },
  {
    what: "the same to HEAD",
    because: "the same rule",
    kind: "RESPONSE",
    applies: /\n(?:content-length|transfer-encoding):[^]*\n(?:content-length|transfer-encoding):/i,
    example: `${OK}Content-Length: 5\r\n${CHUNKED}`,
    toHead: true,
  },
];

function alike(kind: "REQUEST" | "RESPONSE", text: string, method = "GET"): { compared: number; fault: unknown } {
  const bytes = bytesOf(text);
  const toHead = method === "HEAD";
  const ours = readOurs(bytes, kind === "REQUEST" ? requestAt : (all, at) => responseAt(all, at, method));
  const theirs = askLlhttp(kind, bytes, toHead);
  let compared = 0;
  for (const [index, { wire, ...mine }] of ours.entries()) {
    const known = DIFFERENCES.some(
      (each) =>
        (each.kind === kind || each.kind === "both") && (each.toHead !== true || toHead) && each.applies.test(wire),
    );
    if (known) break;
    const other = theirs.messages[index];
    const told = { ...mine, fields: kind === "REQUEST" ? mine.fields : mine.fields.map(String) };
    const heard = other && { ...other, fields: kind === "REQUEST" ? other.fields : endToEnd(other.fields).map(String) };
    // Of a body that is not whole llhttp may have read a part only, because it does not like what follows.
    if (heard !== undefined && !told.complete) heard.content = told.content;
    // We may close where llhttp would not: only what we keep open counts. To HEAD it says so before it has been told
    // that no content follows.
    if (heard !== undefined && (toHead || !told.keepAlive)) heard.keepAlive = told.keepAlive;
    if (!Bun.deepEquals(told, heard)) return { compared, fault: { text, told, heard, refusal: theirs.refusal } };
    compared++;
  }
  return { compared, fault: undefined };
}

/** What is left of a response's fields when those of one hop and its Content-Length are taken out. */
function endToEnd(fields: [string, string][]): [string, string][] {
  const named = new Set(fields.filter(([name]) => /^connection$/i.test(name)).flatMap(([, value]) => tokens(value)));
  return fields.filter(([name]) => {
    const key = name.toLowerCase();
    return !HOP_BY_HOP.has(key) && !named.has(key) && key !== "content-length";
  });
}

describe("llhttp agrees", () => {
  const texts = (one: fc.Arbitrary<{ text: string }>): fc.Arbitrary<string> =>
    fc.array(one, { minLength: 1, maxLength: 3 }).map((all) => all.map(({ text }) => text).join(""));
  /** Most random methods and targets are known differences: half of the requests keep to what llhttp knows. */
  const plainRequest = anyRequest.map((sample) => {
    return { text: `POST /a?b HTTP/1.${sample.minor}${sample.text.slice(sample.text.indexOf("\r\n"))}` };
  });
  const requests = fc.oneof(texts(anyRequest), texts(plainRequest));
  const responses = texts(anyResponse);

  function agree(kind: "REQUEST" | "RESPONSE", text: fc.Arbitrary<string>, runs: number, methods = ["GET"]): void {
    let compared = 0;
    fc.assert(
      fc.property(text, fc.constantFrom(...methods), (text, method) => {
        const verdict = alike(kind, text, method);
        expect(verdict.fault).toBeUndefined();
        compared += verdict.compared;
      }),
      // The bytes of a counterexample may be invisible.
      { numRuns: runs, includeErrorInReport: true },
    );
    // Not in vain: many of them were accepted and no known difference.
    expect(compared).toBeGreaterThan(runs / 8);
  }

  test("on well-formed requests", () => agree("REQUEST", requests, 1000));
  test("on mutated requests", () => agree("REQUEST", mutated(requests), 4000));
  test("on well-formed responses", () => agree("RESPONSE", responses, 1000, ["GET", "HEAD"]));
  test("on mutated responses", () => agree("RESPONSE", mutated(responses), 4000, ["GET", "HEAD"]));
});

describe("where llhttp does not agree, we know", () => {
  test.each(DIFFERENCES.map((each) => [each.what, each] as const))("%s", (_, each) => {
    const { example, because, applies, toHead } = each;
    expect(because).not.toBe("");
    for (const kind of each.kind === "both" ? (["REQUEST"] as const) : [each.kind]) {
      const headAt = kind === "REQUEST" ? requestAt : responseFor(toHead === true ? "HEAD" : "GET");
      const [ours] = readOurs(bytesOf(example), headAt);
      expect(ours).toMatchObject({ complete: true });
      expect(applies.test(ours!.wire)).toBe(true);
      const { messages, refusal } = askLlhttp(kind, bytesOf(example), toHead);
      expect([refusal, messages[0]?.complete]).not.toEqual([undefined, true]);
    }
  });
});

function responseFor(method: string) {
  return (bytes: Uint8Array, at: number): Head | undefined => responseAt(bytes, at, method);
}

test("a response until the end of the connection is one to both", () => {
  expect(readResponseHead(bytesOf(`${OK}\r\nab`), 0, LIMITS, "GET")?.bodyLength).toBe(UNTIL_CLOSE);
  expect(alike("RESPONSE", `${OK}\r\nab`)).toEqual({ compared: 1, fault: undefined });
});
