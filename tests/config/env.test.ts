// env(): where values come from, what is refused, and that they show themselves nowhere (GW-50).
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { env } from "../../src/mod.ts";
import { Secret } from "../../src/config/secrets.ts";
import { faultLines, faults, HELLO, routeOf, upstreamOf, withRoute, withUpstream, type World } from "./support.ts";

const SECRET = "s3cr3t-value-0815";
const HEADERS = (value: unknown): object => ({ ...HELLO, headers: { request: { set: { authorization: value } } } });

/** What a field set from `env("TOKEN")` holds. */
function found(world: World, reference = env("TOKEN")): string {
  const [, value] = routeOf(HEADERS(reference), world).requestFields!.set[0]!;
  expect(value).toBeInstanceOf(Secret);
  return (value as Secret).reveal();
}

/** The only fault of a field set from `env("TOKEN")`. */
function refused(world: World, reference = env("TOKEN")): string {
  const lines = faultLines(withRoute(HEADERS(reference)), world);
  expect(lines).toHaveLength(1);
  return lines[0]!.replace("routes.it.headers.request.set.authorization: ", "");
}

describe("the value is taken from", () => {
  test.each<[string, World, string]>([
    ["the variable", { env: { TOKEN: "a" } }, "a"],
    ["the variable, its blanks inside kept", { env: { TOKEN: "a b" } }, "a b"],
    ["the file that NAME_FILE names", { env: { TOKEN_FILE: "x/t" }, files: { "x/t": "a" } }, "a"],
    ["a file, without its last newline", { env: { TOKEN_FILE: "t" }, files: { t: "a\n" } }, "a"],
    ["systemd's folder", { env: { CREDENTIALS_DIRECTORY: "/c" }, files: { "/c/TOKEN": "a\n" } }, "a"],
    ["the container's folder", { files: { "/run/secrets/TOKEN": "a\n" } }, "a"],
    [
      "the variable before files",
      { env: { TOKEN: "a", CREDENTIALS_DIRECTORY: "/c" }, files: { "/c/TOKEN": "b", "/run/secrets/TOKEN": "c" } },
      "a",
    ],
    [
      "NAME_FILE before folders",
      { env: { TOKEN_FILE: "t", CREDENTIALS_DIRECTORY: "/c" }, files: { t: "a", "/c/TOKEN": "b" } },
      "a",
    ],
    [
      "systemd's folder before the container's",
      { env: { CREDENTIALS_DIRECTORY: "/c" }, files: { "/c/TOKEN": "a", "/run/secrets/TOKEN": "b" } },
      "a",
    ],
    [
      "the container's folder if systemd's lacks it",
      { env: { CREDENTIALS_DIRECTORY: "/c" }, files: { "/run/secrets/TOKEN": "b" } },
      "b",
    ],
  ])("%s", (_, world, value) => expect(found(world)).toBe(value));

  test("the default only when there is nothing else", () => {
    const reference = env("TOKEN", { default: "d" });
    expect(found({}, reference)).toBe("d");
    expect(found({ env: { TOKEN: "a" } }, reference)).toBe("a");
    expect(found({ files: { "/run/secrets/TOKEN": "b" } }, reference)).toBe("b");
  });

  test("anew each time a plan is made", () => {
    const reference = env("TOKEN");
    expect(found({ env: { TOKEN: "a" } }, reference)).toBe("a");
    expect(found({ env: { TOKEN: "b" } }, reference)).toBe("b");
  });
});

describe("the start is refused when the value", () => {
  test.each<[string, World, string]>([
    [
      "is nowhere",
      {},
      "wanted a value for TOKEN. None of TOKEN, TOKEN_FILE, $CREDENTIALS_DIRECTORY/TOKEN and /run/secrets/TOKEN is there.",
    ],
    ["is empty", { env: { TOKEN: "" } }, "wanted a value for TOKEN. TOKEN is there but empty."],
    ["is blank", { env: { TOKEN: " \t\n" } }, "TOKEN is there but empty."],
    ["is the word undefined", { env: { TOKEN: "undefined" } }, "TOKEN holds a placeholder"],
    ["is the word null", { env: { TOKEN: "null" } }, "TOKEN holds a placeholder"],
    ["was not expanded", { env: { TOKEN: "${TOKEN}" } }, "TOKEN holds a placeholder"],
    ["was not expanded by a shell", { env: { TOKEN: "$TOKEN" } }, "TOKEN holds a placeholder"],
    [
      "is empty though a file is there",
      { env: { TOKEN: "" }, files: { "/run/secrets/TOKEN": "b" } },
      "TOKEN is there but empty.",
    ],
    [
      "is there twice",
      { env: { TOKEN: SECRET, TOKEN_FILE: "t" }, files: { t: SECRET } },
      "TOKEN and TOKEN_FILE are both set",
    ],
    ["is there twice, once empty", { env: { TOKEN: "", TOKEN_FILE: "t" } }, "TOKEN and TOKEN_FILE are both set"],
    ["is in a file that is absent", { env: { TOKEN_FILE: "t" } }, "TOKEN_FILE does not name a file that can be read."],
    ["is in a file without name", { env: { TOKEN_FILE: "" }, files: { "": "a" } }, "TOKEN_FILE does not name a file"],
    [
      "is in an empty file",
      { env: { TOKEN_FILE: "t" }, files: { t: "\n" } },
      "The file that TOKEN_FILE names is there but empty.",
    ],
    [
      "is an empty credential",
      { env: { CREDENTIALS_DIRECTORY: "/c" }, files: { "/c/TOKEN": "" } },
      "$CREDENTIALS_DIRECTORY/TOKEN is there but empty.",
    ],
    ["is an empty secret", { files: { "/run/secrets/TOKEN": "\n" } }, "/run/secrets/TOKEN is there but empty."],
    [
      "cannot stand in a field",
      { env: { TOKEN: `${SECRET}\nx: y` } },
      'env("TOKEN") is not a field value. It holds a line break.',
    ],
    [
      "ends in CRLF",
      { files: { "/run/secrets/TOKEN": `${SECRET}\r\n` } },
      'env("TOKEN") is not a field value. It holds a line break.',
    ],
  ])("%s", (_, world, words) => {
    const line = refused(world);
    expect(line).toContain(words);
    expect(line).not.toContain(SECRET);
  });

  test("is a default that is empty or no text", () => {
    expect(refused({}, env("TOKEN", { default: "" }))).toContain("The default of TOKEN is there but empty.");
    expect(refused({}, env("TOKEN", { default: 5 as never }))).toContain("Its default is not a text.");
    expect(refused({ env: { TOKEN: "" } }, env("TOKEN", { default: "d" }))).toContain("TOKEN is there but empty.");
  });

  test.each(["", "a b", "A-B", "1A", "../../etc/passwd", "A\0", SECRET, `${SECRET}=`, 5, undefined])(
    "is asked for by a name that is none, and the name is not shown: %j",
    (name) => {
      const line = refused(
        { env: { [String(name)]: "x" }, files: { [`/run/secrets/${name}`]: "x" } },
        env(name as string),
      );
      expect(line).toStartWith("env([redacted]) is not the name of a variable.");
      expect(line).not.toContain(SECRET);
    },
  );

  test("each missing one is told", () => {
    const options = withUpstream({ targets: [env("A"), { url: env("B") }], tls: { cert: env("C"), key: env("D") } });
    expect(faults(options).map(({ wanted }) => wanted)).toEqual(
      ["A", "B", "C", "D"].map((name) => `a value for ${name}`),
    );
  });
});

describe("a reference", () => {
  test("may be the URL of a target, which records show", () => {
    const { targets } = upstreamOf(
      { targets: [env("URL"), { url: env("URL2"), weight: 2 }] },
      { env: { URL: "http://a:1", URL2: "https://b" } },
    );
    expect(targets.map(({ url, weight }) => [url, weight])).toEqual([
      ["http://a:1", 1],
      ["https://b", 2],
    ]);
  });

  test("shows no value that is not the URL of a target", () => {
    const world = {
      env: { URL: `http://u:${SECRET}@a`, B: `http://a/${SECRET}`, C: SECRET, D: `http://${SECRET}ü` },
    };
    const lines = faultLines(withUpstream({ targets: [env("URL"), { url: env("B") }, env("C"), env("D")] }), world);
    expect(lines.map((line) => line.slice(0, line.indexOf(" is not")))).toEqual([
      'upstreams.orders.targets.0: env("URL")',
      'upstreams.orders.targets.1.url: env("B")',
      'upstreams.orders.targets.2: env("C")',
      'upstreams.orders.targets.3: env("D")',
    ]);
    expect(lines.join("")).not.toContain(SECRET);
  });

  test.each([
    ["env", env("NAME", { default: SECRET })],
    ["Secret", new Secret(SECRET, "NAME")],
  ])("prints itself nowhere: %s", (_, hidden) => {
    const shown = [
      `${hidden}`,
      String(hidden),
      "" + hidden,
      JSON.stringify({ hidden }),
      inspect(hidden, { depth: 9, showHidden: true }),
      Bun.inspect({ hidden }),
      JSON.stringify(Object.entries(hidden)),
      String(Object.values(hidden)),
      JSON.stringify(structuredClone({ ...hidden })),
    ];
    for (const text of shown) expect(text).not.toContain(SECRET);
  });
});
