// HPACK against the examples of RFC 7541, and both of our sides against each other.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ConnectionFault } from "../../../src/http/http2/fault.ts";
import { HpackDecoder } from "../../../src/http/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../../src/http/http2/hpack-encoder.ts";
import { NAME_FAULT, TABLE_SIZE, VALUE_FAULT } from "../../../src/http/http2/hpack-table.ts";
import { latin1Bytes } from "../../../src/http/latin1.ts";

function decoded(decoder: HpackDecoder, block: Uint8Array): string[] {
  const fields: string[] = [];
  decoder.decode(block, ({ name, value }) => fields.push(`${name}: ${value}`));
  return fields;
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
];
const DATE = "Mon, 21 Oct 2013 20:13:21 GMT";
const LATER = "Mon, 21 Oct 2013 20:13:22 GMT";
const URL = "https://www.example.com";
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const RESPONSES = [
  [":status: 302", "cache-control: private", `date: ${DATE}`, `location: ${URL}`],
  [":status: 307", "cache-control: private", `date: ${DATE}`, `location: ${URL}`],
  [
    ":status: 200",
    "cache-control: private",
    `date: ${LATER}`,
    `location: ${URL}`,
    "content-encoding: gzip",
    `set-cookie: ${COOKIE}`,
  ],
];

const EXAMPLES: readonly (readonly [section: string, blocks: readonly string[], fields: readonly string[][]])[] = [
  ["C.2.1", ["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"], [["custom-key: custom-header"]]],
  ["C.2.2", ["040c 2f73 616d 706c 652f 7061 7468"], [[":path: /sample/path"]]],
  ["C.2.3", ["1008 7061 7373 776f 7264 0673 6563 7265 74"], [["password: secret"]]],
  ["C.2.4", ["82"], [[":method: GET"]]],
  [
    "C.3",
    [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
    REQUESTS,
  ],
  [
    "C.4",
    [
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
    REQUESTS,
  ],
];

for (const [section, blocks, fields] of EXAMPLES) {
  test(`the examples of RFC 7541 ${section} are read`, () => {
    const decoder = new HpackDecoder();
    expect(blocks.map((block) => decoded(decoder, hex(block)))).toEqual(fields as string[][]);
  });
}

// Both are for a table of 256 bytes: the block of a peer that wants it so begins with that (section 4.2).
const SMALL_TABLE = "3f e1 01";
const RESPONSE_BLOCKS = {
  "C.5": [
    `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 54
     6e17 6874 7470 733a 2f2f 7777 772e 6578 616d 706c 652e 636f 6d`,
    "4803 3330 37c1 c0bf",
    `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738
     666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
     2076 6572 7369 6f6e 3d31`,
  ],
  "C.6": [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf
     cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
  ],
};
for (const [section, blocks] of Object.entries(RESPONSE_BLOCKS)) {
  test(`the examples of RFC 7541 ${section} are read, with a table that forgets`, () => {
    const decoder = new HpackDecoder();
    decoder.decode(hex(SMALL_TABLE), () => undefined);
    expect(blocks.map((block) => decoded(decoder, hex(block.replace(/\s/g, ""))))).toEqual(RESPONSES);
  });
}

test.each([
  ["an index of no table", "80"],
  ["an index beyond the tables", "be"],
  ["a number without its end", "ff"],
  ["a number that is too large", "ff ffff ffff ff7f"],
  ["a string that ends behind the block", "000a 61"],
  ["a string without its length", "00"],
  ["a Huffman code that ends in more than padding", "0001 6181 00"],
  ["padding of eight bits", "0001 6182 1fff"],
  ["the end of a string inside a string", "0001 6184 ffff fffc"],
  ["a table that is larger than allowed", "3f e2 1f"],
  ["a table size behind a field", "82 20"],
])("%s ends the connection", (_, block) => {
  expect(() => decoded(new HpackDecoder(), hex(block))).toThrow(ConnectionFault);
});

test.each([
  ["an upper-case name", "\0\x01A\x01b", NAME_FAULT],
  ["an empty name", "\0\x00\x01b", NAME_FAULT],
  ["a space in a name", "\0\x03a b\x01b", NAME_FAULT],
  ["a colon in a name", "\0\x03a:b\x01b", NAME_FAULT],
  ["a colon alone", "\0\x01:\x01b", NAME_FAULT],
  ["a line feed in a value", "\0\x01a\x03b\nc", VALUE_FAULT],
  ["a carriage return in a value", "\0\x01a\x03b\rc", VALUE_FAULT],
  ["a NUL in a value", "\0\x01a\x03b\0c", VALUE_FAULT],
  ["a space in front of a value", "\0\x01a\x02 b", VALUE_FAULT],
  ["a tab behind a value", "\0\x01a\x02b\t", VALUE_FAULT],
  ["both", "\0\x01A\x01\n", NAME_FAULT + VALUE_FAULT],
  ["a sound field", "\0\x01a\x03b c", 0],
  ["a pseudo-field", "\0\x05:path\x01/", 0],
])("%s is told of the field", (_, block, faults) => {
  const decoder = new HpackDecoder();
  const found: number[] = [];
  decoder.decode(latin1Bytes(block), (field) => found.push(field.faults));
  // The same from the table, name and all.
  decoder.decode(latin1Bytes(`@${block.slice(1)}\xbe\x7e\x01c`), (field) => found.push(field.faults));
  expect(found).toEqual([faults, faults, faults, faults & NAME_FAULT]);
});

const name = fc.constantFrom(
  "server",
  "x-id",
  "set-cookie",
  "content-type",
  "a".repeat(70),
  ...Array.from({ length: 80 }, (_, i) => `x-${i}`),
);
const value = fc.oneof(
  fc.constantFrom("", "one", "two", "v".repeat(600), "w".repeat(300)),
  fc.string({ unit: fc.integer({ min: 33, max: 255 }).map((c) => String.fromCharCode(c)) }),
);
const status = fc.constantFrom(100, 200, 204, 206, 302, 404, 418, 500);
const answer = fc.record({
  status,
  fields: fc.array(fc.tuple(name, value), { maxLength: 20 }),
  table: fc.option(fc.integer({ min: 0, max: 2 * TABLE_SIZE }), { nil: undefined, freq: 3 }),
});

test("whatever answers go out on a connection, they are read as they were", () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 12 }), (answers) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const { status, fields, table } of answers) {
        if (table !== undefined) encoder.allow(table);
        let block = encoder.begin() + encoder.status(status);
        for (const [name, value] of fields) block += encoder.field(name, value);
        const wanted = [`:status: ${status}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
        expect(decoded(decoder, latin1Bytes(block))).toEqual(wanted);
      }
    }),
    { numRuns: 300 },
  );
});

test("what comes for the third time is one byte, and what differs each time stays out of the table", () => {
  const encoder = new HpackEncoder();
  const sizes = [1, 2, 3].map((id) => [
    encoder.field("server", "sluice").length,
    encoder.field("x-request-id", `id-${id}`).length,
  ]);
  expect(sizes.map(([server]) => server)).toEqual([9, 8, 1]);
  expect(new Set(sizes.map(([, id]) => id)).size).toBe(1);
});

test("credentials are in no table, however often they come", () => {
  const encoder = new HpackEncoder();
  for (let i = 0; i < 4; i++) {
    // 0001: never indexed (RFC 7541 section 6.2.3).
    expect(encoder.field("set-cookie", "session=1").charCodeAt(0) & 0xf0).toBe(0x10);
  }
});

test("a table that shrinks and grows between two blocks is told in both steps", () => {
  const encoder = new HpackEncoder();
  encoder.field("server", "sluice");
  encoder.field("server", "sluice");
  encoder.allow(0);
  encoder.allow(TABLE_SIZE);
  expect(encoder.begin()).toBe("\x20\x3f\xe1\x1f");
  expect(encoder.begin()).toBe("");
  expect(encoder.field("server", "sluice").length).toBeGreaterThan(1);
});
