// Random HTTP/1.1 messages: well-formed ones with all that RFC 9112 leaves open, mutated ones, and ways to cut them.
import fc from "fast-check";

/** A message as it is meant, and its bytes as latin1 text. */
export interface Sample {
  readonly text: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly minor: number;
  /** All field lines, framing included, values without blanks around them. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly content: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** A place in bytes, as a share of the whole. Evenly spread: `fc.double` prefers the ends. */
export const anyShare: fc.Arbitrary<number> = fc.noBias(fc.nat(1000)).map((thousandths) => thousandths / 1000);

const characters = (test: RegExp): string[] =>
  Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter((character) => test.test(character));
const text = (allowed: RegExp, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  // Without a size of its own fast-check keeps to a few characters.
  fc.string({ unit: fc.constantFrom(...characters(allowed)), minLength, maxLength, size: "max" });

const token = text(/[!#$%&'*+.^_`|~0-9A-Za-z-]/, 1, 6);
const blank = fc.constantFrom("", " ", " ", " ", "  ", "\t", " \t ");
const OWN = /^(?:connection|content-length|transfer-encoding)$/i;
const name = fc.oneof(
  fc.constantFrom("Host", "Accept", "Cookie", "X-Forwarded-For", "Via", "Content-Type", "Date", "ETag"),
  token.filter((name) => !OWN.test(name)),
);
const value = fc.oneof(
  fc.constantFrom("", "a", "text/html; q=0.9, */*", '"x, y"', "a:b", "chunked", "close", "5"),
  text(/[\t\x20-\x7e\x80-\xff]/, 0, 12).map((one) => one.replace(/^[\t ]+|[\t ]+$/g, "")),
);
const line = fc.tuple(name, value);
const connection = fc.constantFrom<readonly [string, string][]>([], [["Connection", "keep-alive"]]);
const trailer = fc.tuple(fc.constantFrom("Digest", "ETag", "Grpc-Status", "digest"), value);
const extension = fc.constantFrom("", "", "", ";a", ";a=b", '; a="x;\\"y" ;b');
const sizeOf = (length: number, style: number): string => {
  const digits = length.toString(16);
  return style === 0 ? digits : style === 1 ? digits.toUpperCase() : `00${digits}`;
};
const chunk = fc.tuple(text(/[^]/, 1, 20), fc.nat(2), extension);

interface Framed {
  readonly lines: readonly (readonly [string, string])[];
  readonly wire: string;
  readonly content: string;
  readonly trailers: readonly (readonly [string, string])[];
}

const bare: fc.Arbitrary<Framed> = fc.constant({ lines: [], wire: "", content: "", trailers: [] });
const sized: fc.Arbitrary<Framed> = fc.tuple(text(/[^]/, 0, 40), fc.constantFrom("", "0")).map(([content, zeros]) => ({
  lines: [["Content-Length", zeros + String(content.length)]],
  wire: content,
  content,
  trailers: [],
}));
const chunked: fc.Arbitrary<Framed> = fc
  .record({
    coding: fc.constantFrom("chunked", "Chunked"),
    chunks: fc.array(chunk, { maxLength: 4 }),
    last: fc.tuple(fc.constantFrom("0", "000"), extension),
    trailers: fc.array(trailer, { maxLength: 2 }),
  })
  .map(({ coding, chunks, last, trailers }) => ({
    lines: [["Transfer-Encoding", coding]],
    wire: [
      ...chunks.map(([bytes, style, extension]) => `${sizeOf(bytes.length, style)}${extension}\r\n${bytes}\r\n`),
      `${last.join("")}\r\n`,
      ...trailers.map(([name, value]) => `${name}: ${value}\r\n`),
      "\r\n",
    ].join(""),
    content: chunks.map(([bytes]) => bytes).join(""),
    trailers,
  }));

const parts = {
  before: fc.array(line, { maxLength: 4 }),
  behind: fc.array(line, { maxLength: 2 }),
  connection,
  blanks: fc.tuple(blank, blank),
};
interface Parts {
  readonly before: readonly (readonly [string, string])[];
  readonly behind: readonly (readonly [string, string])[];
  readonly connection: readonly (readonly [string, string])[];
  readonly blanks: readonly [string, string];
}

function assembled(start: string, { before, behind, connection, blanks }: Parts, framed: Framed) {
  const fields = [...before, ...framed.lines, ...connection, ...behind];
  const lines = fields.map(([name, value]) => `${name}:${blanks[0]}${value}${value === "" ? "" : blanks[1]}\r\n`);
  const { content, trailers } = framed;
  return { text: `${start}\r\n${lines.join("")}\r\n${framed.wire}`, fields, content, trailers };
}

const method = fc.oneof(fc.constantFrom("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"), token);
const target = fc.oneof(
  fc.constantFrom("/", "*", "/a?b=c", "//x", "http://h.test/a", "/%zz?"),
  text(/[\x21-\x7e\x80-\xff]/, 1, 12),
);

/** A well-formed request of HTTP/1.1, or of HTTP/1.0 that keeps its connection. */
export const anyRequest: fc.Arbitrary<Sample> = fc
  .record({ method, target, old: fc.boolean(), ...parts, framed: fc.oneof(bare, sized, chunked) })
  .map(({ method, target, old, framed, ...rest }) => {
    const minor = old && framed.wire === framed.content ? 0 : 1;
    const kept: Parts = minor === 0 ? { ...rest, connection: [["Connection", "keep-alive"]] } : rest;
    return { method, target, minor, status: 0, ...assembled(`${method} ${target} HTTP/1.${minor}`, kept, framed) };
  });

const reason = fc.oneof(fc.constantFrom("OK", "", "Not Found"), text(/[\t\x20-\x7e\x80-\xff]/, 0, 8));

/** A well-formed response to GET, with a framing of its own unless its status says that nothing follows. */
export const anyResponse: fc.Arbitrary<Sample> = fc
  .record({
    status: fc.oneof(fc.constantFrom(200, 204, 304, 404, 503), fc.integer({ min: 200, max: 599 })),
    reason,
    ...parts,
    framed: fc.oneof(sized, chunked),
  })
  .map(({ status, reason, framed, ...rest }) => {
    const body: Framed = status === 204 || status === 304 ? { ...framed, wire: "", content: "", trailers: [] } : framed;
    const start = `HTTP/1.1 ${status} ${reason}`;
    return { method: "GET", target: "", minor: 1, status, ...assembled(start, rest, body) };
  });

/** Where to cut bytes: shares of the whole. */
export const anyCuts: fc.Arbitrary<number[]> = fc.array(anyShare, { maxLength: 8 });

/** What attackers and broken senders put into messages. */
const poison = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...'\r\n\0 \t:,;05"', "\r\n", "\xff", "\x7f", "\x0b", "\x0c", "\x85", "\xa0"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "Content-Length: 5\r\n",
      "Content-Length: 0\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Transfer-Encoding : chunked\r\n",
      "transfer-encoding:\tidentity\r\n",
      "Transfer-Encoding: \xa0chunked\r\n",
      "Connection: close\r\n",
      "Connection: \xa0close, \x0bkeep-alive\r\n",
      "Connection: upgrade\r\nUpgrade: x\r\n",
      "chunked",
      "\r\n\r\n",
      "0\r\n\r\n",
      "HTTP/1.0",
      "HTTP/1.1",
      "GET /smuggled HTTP/1.1\r\n\r\n",
      "\r\n ",
      "X: y\r\n",
    ),
  },
  { weight: 1, arbitrary: text(/[^]/, 1, 3) },
);
const edit = fc.record({
  at: anyShare,
  drop: fc.nat(3),
  put: fc.option(poison, { nil: "" }),
});

/** The text with a few places cut out, overwritten or added to. */
export function mutated(base: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(base, fc.array(edit, { minLength: 1, maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((now, { at, drop, put }) => {
      const from = Math.round(at * now.length);
      return now.slice(0, from) + put + now.slice(from + drop);
    }, text),
  );
}
