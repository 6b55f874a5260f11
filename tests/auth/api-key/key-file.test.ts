// The key file: what it may say, what is wrong with it and where, and that lines and YAML are read alike.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { KeyBook, type KeyFileFault } from "../../../src/auth/api-key/key-book.ts";
import { isContent, type KeyFileResult, keyFileTurns, readKeyFile } from "../../../src/auth/api-key/key-file.ts";
import { readWhole } from "../../../src/auth/api-key/key-file-yaml.ts";
import { KeyTable } from "../../../src/auth/api-key/key-table.ts";

const hash = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");
const KEY = `sha256:${hash("a")}`;
const KEY_B = `sha256:${hash("b")}`;
const CONTEXT = {
  consumers: [
    {
      consumer: { name: "inside", groups: ["staff"] },
      keys: [{ hash: hash("inside"), expiresAt: undefined, id: hash("inside").slice(0, 8) }],
      subjects: {},
    },
  ],
  groups: ["staff", "partner", "a:b"],
} as unknown as ConstructorParameters<typeof KeyBook>[1];

/** What came of a file, in an order that does not matter. */
function shown(result: KeyFileResult): unknown {
  if (!isContent(result)) return "faults";
  const table = KeyTable.of(result.keys);
  const keys = Array.from({ length: table.size }, (_, place) => [
    result.keys.digests.subarray(place * 32, place * 32 + 32).toHex(),
    result.consumers[table.ownerOf(place)]!.name,
    table.expiryOf(place),
    table.idOf(place),
  ]);
  return { keys, consumers: result.consumers };
}

function byYaml(text: string): KeyFileResult {
  const book = new KeyBook(text, CONTEXT);
  readWhole(text, book);
  return book.close();
}

function content(text: string): Record<string, string[]> {
  const result = readKeyFile(text, CONTEXT);
  if (!isContent(result)) throw new Error(JSON.stringify(result));
  const table = KeyTable.of(result.keys);
  const found: Record<string, string[]> = Object.fromEntries(result.consumers.map(({ name }) => [name, []]));
  for (let place = 0; place < table.size; place++) {
    const expiry = table.expiryOf(place);
    const until = expiry === Infinity ? "" : ` until ${new Date(expiry).toISOString()}`;
    found[result.consumers[table.ownerOf(place)]!.name]!.push(`${table.idOf(place)}${until}`);
  }
  return found;
}

function faultsOf(text: string): readonly KeyFileFault[] {
  const result = readKeyFile(text, CONTEXT);
  return isContent(result) ? [] : result;
}

const USUAL = `# Keys of our partners.
consumers:
  acme:
    groups: [partner, staff]
    keys:
      - "${KEY}" # until they have moved
      - { hash: "${KEY_B}", expires: "2027-01-31", id: next }
`;

describe("a file", () => {
  const A = hash("a").slice(0, 8);
  const INSIDE = hash("inside").slice(0, 8);
  test("in the usual form gives its consumers beside those of the config", () => {
    expect(content(USUAL)).toEqual({ inside: [INSIDE], acme: [A, "next until 2027-02-01T00:00:00.000Z"] });
  });

  const FORMS: [form: string, text: string][] = [
    ["with Windows' ends of lines", USUAL.replaceAll("\n", "\r\n")],
    ["with a byte order mark", `\ufeff${USUAL}`],
    ["with a document marker", `---\n${USUAL}`],
    ["without a last newline", USUAL.trimEnd()],
    ["with blank lines and comments everywhere", USUAL.replaceAll("\n", "\n\n# more\n      # more\n")],
    [
      "in flow style",
      `consumers: {acme: {groups: [partner, staff], keys: ["${KEY}", {hash: "${KEY_B}", expires: 2027-01-31, id: next}]}}`,
    ],
    [
      "as JSON",
      JSON.stringify({
        consumers: {
          acme: { groups: ["partner", "staff"], keys: [KEY, { hash: KEY_B, expires: "2027-01-31", id: "next" }] },
        },
      }),
    ],
    [
      "with each option on a line",
      `consumers:\n acme:\n  groups:\n  - partner\n  - "staff"\n  keys:\n  - ${KEY}\n  -\n    id: next\n    hash: '${KEY_B}'\n    expires: 2027-01-31\n`,
    ],
    ["with quoted names", USUAL.replace("acme:", '"acme":').replace("keys:", "'keys':")],
    [
      "with keys before groups",
      `consumers:\n  acme:\n    keys:\n    - ${KEY}\n    - {hash: ${KEY_B}, expires: 2027-01-31, id: next}\n    groups: [ partner , staff ]\n`,
    ],
  ];
  test.each(FORMS)("%s means the same", (_, text) => {
    expect(shown(readKeyFile(text, CONTEXT))).toEqual(shown(readKeyFile(USUAL, CONTEXT)));
  });

  test("may hold nobody, when it says so", () => {
    expect(content("consumers: {}\n")).toEqual({ inside: [INSIDE] });
  });

  test("may give a consumer of the config more keys, not other groups", () => {
    expect(content(`consumers:\n  inside:\n    keys: ["${KEY}"]\n`)).toEqual({ inside: [INSIDE, A] });
    expect(faultsOf(`consumers:\n  inside:\n    groups: [partner]\n    keys: ["${KEY}"]\n`)).toEqual([
      {
        line: 3,
        column: 14,
        wanted: "no groups for this consumer",
        hint: "The config has this consumer and says its groups: here it can only get more keys.",
      },
    ]);
  });

  test("reads a date as its end and a time as it is, and a plain scalar never as anything but text", () => {
    const text = `consumers:\n  007:\n    keys:\n    - { hash: ${KEY}, expires: 2027-01-31T12:00:00+01:00, id: 1e3 }\n  null: { keys: [${KEY_B}] }\n`;
    expect(content(text)).toMatchObject({
      "007": ["1e3 until 2027-01-31T11:00:00.000Z"],
      null: [hash("b").slice(0, 8)],
    });
  });
});

describe("what is wrong is told with its line and column", () => {
  const acme = (inner: string): string => `consumers:\n  acme:\n${inner}`;
  const WRONG: [what: string, text: string, place: string, wanted: string][] = [
    ["an empty file", "", "1:1", "an object `consumers`"],
    ["only comments", "# none\n", "1:1", "an object `consumers`"],
    ["nothing under consumers", "consumers:\n", "1:11", "an object of consumers by name"],
    ["a list", "- a\n", "1:1", "an object `consumers`"],
    ["another option beside consumers", `consumers:\n  a: { keys: [${KEY}] }\ngroups: []\n`, "3:1", "an option"],
    ["a consumer without anything", "consumers:\n  acme:\n", "2:8", "an object of `groups` and `keys`"],
    ["a consumer that is a text", "consumers:\n  acme: x\n", "2:9", "an object of `groups` and `keys`"],
    ["another option of a consumer", acme("    kyes: []\n"), "3:5", "an option"],
    ["an option twice", acme(`    keys: [${KEY}]\n    keys: [${KEY_B}]\n`), "4:5", "an option that is named once"],
    ["keys that are no list", acme("    keys: 1\n"), "3:11", "a list of API keys"],
    ["keys with nothing behind", acme("    keys:\n    groups: [staff]\n"), "3:10", "a list of API keys"],
    ["a key in place of its hash", acme("    keys:\n      - sk_live_secret\n"), "4:9", "the hash of an API key"],
    ["a hash that is too short", acme(`    keys:\n      - "${KEY.slice(0, -1)}"\n`), "4:9", "the hash of an API key"],
    ["the hash of nothing", acme(`    keys:\n      - "sha256:${hash("")}"\n`), "4:9", "the hash of an API key"],
    ["a key without its hash", acme("    keys:\n      - { id: a }\n"), "4:9", 'a key: "sha256:'],
    ["an empty entry", acme(`    keys:\n      - \n      - "${KEY}"\n`), "4:9", 'a key: "sha256:'],
    [
      "an expiry that is no date",
      acme(`    keys:\n      - { hash: "${KEY}", expires: 2027-02-30 }\n`),
      "4:9",
      "an expiry",
    ],
    ["an expiry that is a year", acme(`    keys:\n      - { hash: "${KEY}", expires: 2027 }\n`), "4:9", "an expiry"],
    [
      "an odd name of a key",
      acme(`    keys:\n      - { hash: "${KEY}", id: "a b" }\n`),
      "4:9",
      "a short name for the key",
    ],
    ["a name that no consumer may have", `consumers:\n  "a b":\n    keys: [${KEY}]\n`, "2:3", "the name of a consumer"],
    [
      "a group that nobody knows",
      acme(`    groups: [staff, stuff]\n    keys:\n    - "${KEY}"\n`),
      "3:21",
      "a group that the config knows",
    ],
    [
      "a consumer twice",
      `consumers:\n  a:\n    keys: [${KEY}]\n  a:\n    keys: [${KEY_B}]\n`,
      "4:3",
      "a consumer that is named once",
    ],
    [
      "a consumer of the config twice",
      `consumers:\n  inside:\n    keys: [${KEY}]\n  inside:\n    keys: [${KEY_B}]\n`,
      "4:3",
      "a consumer that is named once",
    ],
    [
      "a key twice",
      `consumers:\n  a:\n    keys:\n      - "${KEY}"\n  b:\n    keys:\n      - "${KEY}"\n`,
      "7:9",
      "a key that nobody has yet",
    ],
    [
      "a key that the config has",
      acme(`    keys:\n      - "sha256:${hash("inside")}"\n`),
      "4:9",
      "a key that nobody has yet",
    ],
    ["a tab", "consumers:\n\tacme: {}\n", "2:1", "blanks in place of a tab"],
    ["an open quote", acme('    keys: ["sha256:\n'), "4:1", "YAML in which every quote and bracket is closed"],
    ["two documents", `${USUAL}---\n${USUAL}`, "8:1", "one document"],
    ["an anchor", `consumers: &all\n  acme: { keys: [${KEY}] }\n`, "2:3", "no anchor, alias or tag"],
    ["an alias", `consumers:\n  a: { keys: [${KEY}] }\n  b: *a\n`, "3:6", "an object of"],
    ["a tag", `consumers:\n  a: { keys: [!!str ${KEY}] }\n`, "2:21", "no anchor, alias or tag"],
    ["an unknown tag", `consumers:\n  a: { keys: [!key ${KEY}] }\n`, "2:15", "no tag"],
    ["a merge key", `consumers:\n  <<: { a: { keys: [${KEY}] } }\n`, "2:9", "an option"],
  ];
  test.each(WRONG)("%s", (_, text, place, wanted) => {
    const [first, ...more] = faultsOf(text);
    expect(`${first?.line}:${first?.column} ${first?.wanted}`).toStartWith(`${place} ${wanted}`);
    expect(more).toEqual([]);
  });

  test("all of it at once, in the order of the file, but no more than twenty", () => {
    const wrong = Array.from({ length: 50 }, (_, i) => `  c${i}:\n    keys:\n      - nothing\n`).join("");
    const faults = faultsOf(`consumers:\n${wrong}`);
    expect(faults.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => 4 + 3 * i));
  });

  test("and never with what stands there", () => {
    const secret = "sk_4fKx9QqWv2LmZt7RbN0c8Y_1aBcDe";
    const places = [
      `consumers:\n  ${secret}: x\n`,
      `consumers:\n  a: { ${secret}: x }\n`,
      `consumers:\n  a: { keys: [${secret}] }\n`,
      `consumers:\n  a: { keys: [{ hash: ${secret} }] }\n`,
      `consumers:\n  a: { keys: [{ hash: "${KEY}", expires: ${secret} }] }\n`,
      `consumers:\n  a: { groups: [${secret}], keys: [] }\n`,
      `${secret}: 1\n`,
      `consumers: *${secret}\n`,
      `consumers: !${secret} {}\n`,
      `%${secret}\n---\nconsumers: {}\n`,
      `consumers:\n  a: { keys: ["${secret}\n`,
      `consumers:\n  a: ]${secret}\n`,
      `consumers: {}\n${secret}\n`,
    ];
    for (const text of places) {
      expect(faultsOf(text).length, text).toBeGreaterThan(0);
      expect(JSON.stringify(faultsOf(text)), text).not.toContain(secret);
    }
  });
});

describe("bounds", () => {
  test("a bomb of aliases is refused before it unfolds", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `  a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`);
    const began = performance.now();
    expect(faultsOf(`consumers:\n  a0: &a0 [x]\n${lines.join("\n")}\n`).length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test("what is nested too deep is a fault, not a crash", () => {
    expect(faultsOf(`consumers: ${"[".repeat(100_000)}`)).toHaveLength(1);
    expect(faultsOf(`consumers:\n  a: ${"{a: ".repeat(50_000)}`)).toHaveLength(1);
  });

  test("a long file in another outer form is refused with the way to write it", () => {
    const [fault] = faultsOf(`{ "consumers": {${" ".repeat(2 ** 20)}} }`);
    expect(fault?.wanted).toBe("a file that can be read line by line");
  });

  test("20,000 keys are read in turns, none of which is long", () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `      - "sha256:${hash(String(i))}"`);
    const turns = keyFileTurns(`consumers:\n  all:\n    keys:\n${lines.join("\n")}\n`, CONTEXT);
    let count = 0;
    while (turns.next().done !== true) count++;
    expect(count).toBeGreaterThan(30);
  });
});

describe("lines and YAML", () => {
  const name = fc.constantFrom("acme", "beta", "inside", "c.d_e-f", "007", "null", '"q"', "keys");
  const ref = fc.nat(9).map((n) => `sha256:${hash(String(n))}`);
  const quote = fc.constantFrom("", '"', "'");
  const key = fc.record({
    ref,
    quote,
    expires: fc.constantFrom("", "2027-01-31", "2027-01-31T12:00:00Z", "soon"),
    id: fc.constantFrom("", "a", "x.y"),
  });
  const keyLine = key.map(({ ref, quote: q, expires, id }) => {
    if (expires === "" && id === "") return `      - ${q}${ref}${q}`;
    const more = (expires && `, expires: ${q}${expires}${q}`) + (id && `, id: ${q}${id}${q}`);
    return `      - { hash: ${q}${ref}${q}${more} }`;
  });
  const consumer = fc.record({
    name,
    groups: fc.constantFrom("", "[]", "[partner]", "[ staff, partner ]", "[a:b]", "['staff']"),
    keys: fc.array(keyLine, { maxLength: 3 }),
  });
  const file = fc
    .array(consumer, { maxLength: 4 })
    .map((all) => [
      "consumers:",
      ...all.flatMap(({ name, groups, keys }) => [
        `  ${name}:`,
        ...(groups === "" ? [] : [`    groups: ${groups}`]),
        ...(keys.length === 0 ? [] : ["    keys:", ...keys]),
      ]),
    ]);
  const mutation = fc.record({
    line: fc.nat(),
    kind: fc.constantFrom("none", "cut", "double", "indent", "outdent", "insert", "comment", "swap"),
    text: fc.constantFrom(
      "#",
      " #",
      ":",
      "-",
      "? ",
      '"',
      "\t",
      "[",
      "}",
      "  ",
      "&a ",
      "*a",
      "---",
      "...",
      "|",
      "keys:",
      "- x",
      ",",
    ),
    at: fc.nat(),
  });

  test("are read alike, whatever was done to the lines", () => {
    let accepted = 0;
    fc.assert(
      fc.property(file, fc.array(mutation, { maxLength: 2 }), (lines, mutations) => {
        const all = [...lines];
        for (const { line, kind, text, at } of mutations) {
          const i = line % all.length;
          const old = all[i]!;
          if (kind === "cut") all.splice(i, 1);
          else if (kind === "double") all.splice(i, 0, old);
          else if (kind === "indent") all[i] = ` ${old}`;
          else if (kind === "outdent") all[i] = old.replace(/^ /, "");
          else if (kind === "insert")
            all[i] = old.slice(0, at % (old.length + 1)) + text + old.slice(at % (old.length + 1));
          else if (kind === "comment") all[i] = `${old} # ${text}`;
          else if (kind === "swap") all.splice(i, 2, ...all.slice(i, i + 2).reverse());
          if (all.length === 0) all.push("");
        }
        const text = `${all.join("\n")}\n`;
        const read = shown(readKeyFile(text, CONTEXT));
        if (read !== "faults") accepted++;
        expect(read, text).toEqual(shown(byYaml(text)));
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
