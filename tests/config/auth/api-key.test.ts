// The options of apiKey and of keys: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { type ApiKeyPlan, apiKey } from "../../../src/config/auth/api-key.ts";
import { env } from "../../../src/config/secrets.ts";
import { KeyTable } from "../../../src/auth/api-key/key-table.ts";
import { faultLines, faults, HELLO, planOf } from "../support.ts";

const hash = (text: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;

const withScheme = (options: object): object => ({
  auth: { key: apiKey(options) },
  routes: { hello: { ...HELLO, auth: "key" } },
});
const withConsumers = (consumers: object, more: object = {}): object => ({
  consumers,
  routes: { hello: HELLO },
  ...more,
});

describe("a scheme", () => {
  test("looks into X-API-Key and nowhere else by default", () => {
    expect(planOf(withScheme({})).auth.schemes[0]).toEqual({
      kind: "api-key",
      name: "key",
      observe: false,
      realm: "sluice",
      vouches: [],
      header: "x-api-key",
      bearer: false,
      query: undefined,
      forward: false,
    });
  });

  test("may look elsewhere", () => {
    const options = { header: false, bearer: true, query: "api_key", forward: true };
    expect(planOf(withScheme(options)).auth.schemes[0] as ApiKeyPlan).toMatchObject({
      ...options,
      header: undefined,
    });
  });

  test("has its query parameter masked in the log, in any case, beside those of the config", () => {
    const plan = planOf({ ...withScheme({ query: "Partner-Key" }), log: { redactQuery: ["pin"] } });
    expect(plan.log).toMatchObject({ redactQuery: expect.arrayContaining(["partner-key", "pin", "access_token"]) });
    expect(planOf({ ...withScheme({ query: "Partner-Key" }), log: false }).log).toBe(false);
  });

  const WRONG: [options: object, line: string][] = [
    [{ header: "a b" }, "auth.key.header: "],
    [{ header: "" }, "auth.key.header: "],
    [{ header: true }, "auth.key.header: true is not"],
    [{ header: "Authorization" }, "auth.key.header: "],
    [{ header: false }, "auth.key: wanted a place for the key. Set header, bearer or query."],
    [{ bearer: "yes" }, 'auth.key.bearer: "yes" is not true or false.'],
    [{ query: "" }, 'auth.key.query: "" is not the name of a query parameter.'],
    [{ query: "a=b" }, "auth.key.query: "],
    [{ query: "a&b" }, "auth.key.query: "],
    [{ query: "käy" }, "auth.key.query: "],
    [{ query: "k".repeat(65) }, "auth.key.query: "],
    [{ query: true }, "auth.key.query: true is not"],
    [{ forward: 1 }, "auth.key.forward: 1 is not true or false."],
    [{ headers: "x" }, 'auth.key.headers: "headers" is not an option.'],
  ];
  test.each(WRONG)("%p is refused", (options, line) => {
    const lines = faultLines(withScheme(options));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(line);
  });
});

describe("keys of consumers", () => {
  test("are hashes, from the config or from outside it, with an expiry and a name", () => {
    const { auth } = planOf(
      withConsumers({
        acme: {
          keys: [
            hash("a").toUpperCase().replace("SHA", "sha"),
            env("B"),
            { hash: hash("c"), expires: "2027-01-31", id: "next" },
            { hash: hash("d"), expires: "2027-01-31T12:00:00+02:00" },
          ],
        },
      }),
      { env: { B: hash("b") } },
    );
    expect(auth.consumers[0]!.keys.map(({ id, expiresAt }) => [id, expiresAt])).toEqual([
      [hash("a").slice(7, 15), undefined],
      [hash("b").slice(7, 15), undefined],
      ["next", Date.UTC(2027, 1, 1)],
      [hash("d").slice(7, 15), Date.UTC(2027, 0, 31, 10)],
    ]);
  });

  const SECRET = "sk_4fKx9QqWv2LmZt7RbN0c8Y_1aBcDe";
  const WRONG: [what: string, consumers: object, path: string][] = [
    ["a key in place of its hash", { a: { keys: [SECRET] } }, "consumers.a.keys.0"],
    ["a key from the environment", { a: { keys: [env("SECRET")] } }, "consumers.a.keys.0"],
    ["a key as a hash", { a: { keys: [{ hash: SECRET }] } }, "consumers.a.keys.0.hash"],
    ["the hash of an empty text", { a: { keys: [hash("")] } }, "consumers.a.keys.0"],
    ["a key that another has", { a: { keys: [hash("x")] }, b: { keys: [hash("y"), hash("x")] } }, "consumers.b.keys.1"],
    ["a key twice", { a: { keys: [hash("x"), { hash: hash("x") }] } }, "consumers.a.keys.1"],
    [
      "an expiry that is no date",
      { a: { keys: [{ hash: hash("x"), expires: "2027-02-30" }] } },
      "consumers.a.keys.0.expires",
    ],
    [
      "an expiry on no day of time",
      { a: { keys: [{ hash: hash("x"), expires: "2027-02-30T00:00:00Z" }] } },
      "consumers.a.keys.0.expires",
    ],
    [
      "an expiry without a zone",
      { a: { keys: [{ hash: hash("x"), expires: "2027-01-31T12:00:00" }] } },
      "consumers.a.keys.0.expires",
    ],
  ];
  test.each(WRONG)("%s is refused, and not shown", (_, consumers, path) => {
    const lines = faultLines(withConsumers(consumers), { env: { SECRET } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(`${path}: `);
    expect(lines[0]).not.toContain(SECRET);
  });
});

describe("a key file", () => {
  const config = (more: object = {}): object =>
    withConsumers({ inside: { groups: ["staff"], keys: [hash("i")] } }, { keys: { file: "keys.yaml", ...more } });

  test("adds its consumers and keys to those of the config", () => {
    const text = `consumers:\n  acme:\n    groups: [partner, staff]\n    keys:\n      - "${hash("a")}"\n`;
    const { keys } = planOf(config({ groups: ["partner"] }), { files: { "keys.yaml": text } }).auth;
    expect(keys!.path).toBe("keys.yaml");
    expect(keys!.content.consumers).toEqual([
      { name: "inside", groups: ["staff"] },
      { name: "acme", groups: ["partner", "staff"] },
    ]);
    const table = KeyTable.of(keys!.content.keys);
    const place = table.find(Uint8Array.fromHex(hash("a").slice(7)));
    expect(table.ownerOf(place)).toBe(1);
  });

  test("that is not there is a fault of the config", () => {
    expect(faultLines(config())).toEqual([
      'keys.file: "keys.yaml" is not the path of a YAML file of keys. No such file can be read.',
    ]);
  });

  test("that is wrong is one too, with its own line and column, each fault for itself", () => {
    const text = `consumers:\n  acme:\n    groups: [other]\n    keys:\n      - nothing\n`;
    expect(faults(config(), { files: { "keys.yaml": text } })).toMatchObject([
      {
        path: ["keys", "file"],
        wanted: "a group that the config knows",
        place: { file: "keys.yaml", line: 3, column: 14 },
      },
      { path: ["keys", "file"], place: { file: "keys.yaml", line: 5, column: 9 } },
    ]);
  });

  test("makes names of consumers right that the config does not have", () => {
    const route = { ...HELLO, auth: "key", allow: { consumers: ["acme"] } };
    const options = { auth: { key: apiKey() }, routes: { it: route } };
    expect(faultLines({ ...options })).toHaveLength(1);
    const files = { "keys.yaml": "consumers: {}\n" };
    expect(faultLines({ ...options, keys: { file: "keys.yaml" } }, { files })).toEqual([]);
  });
});
