// `sluice check`: all faults at once with their places, and one clear message for each way a config can fail to load.
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, folderWith, RIGHT_CONFIG, type Run, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const FAULTY = `import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { port: 70000, hots: "0.0.0.0" },
  upstreams: {
    orders: { targets: ["http://127.0.0.1:9001"], timeouts: { connect: "5 seconds" } },
  },
  routes: {
    orders: { match: "/api/orders/*", to: "oders" },
    key: { match: "/key", to: "orders", headers: { request: { set: { "x-key": env("KEY_THAT_IS_ABSENT") } } } },
  },
} as never);
`;

/** The faults of FAULTY: place, path, and a part of the message. */
const FAULTS: readonly (readonly [place: string, path: string, part: string])[] = [
  ["4:13", "listen.port", "70000"],
  ["4:26", "listen.hots", 'Did you mean "host"?'],
  ["6:63", "upstreams.orders.timeouts.connect", '"5 seconds"'],
  ["9:39", "routes.orders.to", 'Did you mean "orders"?'],
  ["10:70", "routes.key.headers.request.set.x-key", "KEY_THAT_IS_ABSENT"],
];

describe("a config with faults", () => {
  test("every fault is told at once, with file, line, column and path; exit 78", async () => {
    const { code, stdout, stderr } = await sluice(["check"], { cwd: folderWith({ "gateway.config.ts": FAULTY }) });
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBe(FAULTS.length + 1);
    for (const [index, [place, path, part]] of FAULTS.entries()) {
      expect(lines[index]).toStartWith(`gateway.config.ts:${place}  ${path}: `);
      expect(lines[index]).toContain(part);
    }
    expect(lines.at(-1)).toBe(`${FAULTS.length} faults.`);
    expect(stdout).toBe("");
    expect(code).toBe(78);
  });

  test("--json tells the same to machines, on stdout", async () => {
    const cwd = folderWith({ "gateway.config.ts": FAULTY });
    const { code, stdout, stderr } = await sluice(["check", "--json"], { cwd });
    const report = JSON.parse(stdout) as { ok: boolean; file: string; faults: Record<string, unknown>[] };
    expect(report.ok).toBe(false);
    expect(report.file).toBe(join(cwd, "gateway.config.ts"));
    expect(report.faults.map(({ line, column, path }) => [`${line}:${column}`, path])).toEqual(
      FAULTS.map(([place, path]) => [place, path]),
    );
    expect(report.faults[3]).toMatchObject({ found: '"oders"', wanted: "an upstream", nearest: "orders" });
    expect(stderr).toBe("");
    expect(code).toBe(78);
  });

  test("run says the same and does not listen", async () => {
    const cwd = folderWith({ "gateway.config.ts": FAULTY });
    const [checked, ran] = await Promise.all([sluice(["check"], { cwd }), sluice(["run"], { cwd })]);
    expect(ran).toEqual(checked);
  });

  test("two routes that tie are told with a URL that both match", async () => {
    const { code, stderr } = await checkText(`import { defineGateway } from "sluice";
export default defineGateway({
  routes: {
    one: { match: "/users/:id", answer: {} },
    two: { match: "/users/:name", answer: {} },
  },
});
`);
    expect(stderr).toContain("gateway.config.ts:5:");
    expect(stderr).toContain("/users/");
    expect(stderr).toContain("one");
    expect(code).toBe(78);
  });
});

test("a config that is right is told in one line, with routes and upstreams counted", async () => {
  const text = await checkText(RIGHT_CONFIG);
  expect(text).toEqual({ code: 0, stdout: "gateway.config.ts is right: 1 route, 0 upstreams.\n", stderr: "" });
  const { stdout } = await checkText(RIGHT_CONFIG, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, routes: 1, upstreams: 0, faults: [] });
});

test("the example of the repository is right", async () => {
  const cwd = join(import.meta.dir, "../../..");
  const { code, stdout } = await sluice(["check"], { cwd });
  expect(stdout).toBe("gateway.config.ts is right: 5 routes, 2 upstreams.\n");
  expect(code).toBe(0);
});

describe("a secret is printed by no verb", () => {
  const SECRET = "s3cr3t-v4lue-9f1c";
  const config = (key: string): string => `import { defineGateway, env } from "sluice";
const key = env("ORDERS_KEY");
export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: { orders: { match: "/*", to: "orders", headers: { request: { set: { "x-key": ${key} } } }, tiemouts: key } },
} as never);
`;
  test.each(["key", "`Bearer ${key}`", "[key]"])("written as %s", async (key) => {
    const cwd = folderWith({ "gateway.config.ts": config(key) });
    for (const args of [["check"], ["check", "--json"], ["run"]]) {
      const { code, stdout, stderr } = await sluice(args, { cwd, env: { ORDERS_KEY: SECRET } });
      expect(stdout + stderr).not.toContain(SECRET);
      expect(code).toBe(78);
    }
  });
});

describe("a config that does not load is one message with its place, exit 78", () => {
  const files = {
    "other.ts": "export const given = 1;\n",
    "broken.ts": "export const a = 1;\nexport const b = ;\n",
    "throws.ts": "export function f(): never {\n  throw new RangeError('too far');\n}\n",
  };
  const failures: readonly (readonly [name: string, source: string, message: string])[] = [
    ["a syntax error", "export default {\n  a: 1;\n};\n", "gateway.config.ts:2:7  syntax error: "],
    ["a file that ends too soon", "export default { a: 1 ", "gateway.config.ts:1:22  syntax error: "],
    [
      "a syntax error in a file it imports",
      'import { b } from "./broken.ts";\nexport default { b };\n',
      "broken.ts:2:18  syntax error: ",
    ],
    [
      "a config that throws",
      "const a = 1;\n\nthrow new Error(`no ${a}`);\nexport default {};\n",
      "gateway.config.ts:3:11  the config threw while it was loading: no 1.",
    ],
    [
      "a file it imports that throws",
      'import { f } from "./throws.ts";\nf();\nexport default {};\n',
      "throws.ts:2:13  the config threw while it was loading: RangeError: too far.",
    ],
    [
      "a throw from inside a library, told at the line of the config",
      'import * as v from "valibot";\n\nv.parse(v.string(), 3);\nexport default {};\n',
      "gateway.config.ts:3:3  the config threw while it was loading: ValiError: ",
    ],
    ["a thrown text", 'throw "no";\nexport default {};\n', 'gateway.config.ts  the config threw "no".'],
    [
      "a timer that throws while it loads",
      "setTimeout(() => {\n  throw new Error('late');\n}, 1);\nawait new Promise((go) => setTimeout(go, 5000));\nexport default {};\n",
      "gateway.config.ts:2:13  nobody caught this while the config was loading: ",
    ],
    [
      "a promise that nobody handles",
      "Promise.reject(new Error('left alone'));\nawait new Promise((go) => setTimeout(go, 5000));\nexport default {};\n",
      "gateway.config.ts:1:20  nobody caught this while the config was loading: ",
    ],
    ["no default export", "export const a = 1;\n", "gateway.config.ts  the file has no default export."],
    [
      "a default export that is a function",
      "const a = 1;\nexport default () => a;\n",
      "gateway.config.ts:2:1  the default export must be an object; it is a function.",
    ],
    [
      "a default export that is an array",
      "export default [];\n",
      "gateway.config.ts:1:1  the default export must be an object; it is an array.",
    ],
    [
      "a default export that is null",
      "export default null;\n",
      "gateway.config.ts:1:1  the default export must be an object; it is null.",
    ],
    [
      "a package that is not there",
      'import { z } from "zod";\nexport default { z };\n',
      'gateway.config.ts:1:19  the import "zod" cannot be found. A config can import sluice, hono, hono/*, jose, valibot,',
    ],
    [
      "a name near to one that is there",
      'import { cors } from "hono/corss";\nexport default { cors };\n',
      'Did you mean "hono/cors"?',
    ],
    [
      "a file that is not there",
      'import { given } from "./othr.ts";\nexport default { given };\n',
      'gateway.config.ts:1:23  there is no file "./othr.ts". Did you mean "./other.ts"?',
    ],
    [
      "a required package that is not there",
      'const z = require("zod");\nexport default { z };\n',
      'gateway.config.ts:1:19  the import "zod" cannot be found.',
    ],
    [
      "an export that sluice does not have",
      'import {\n  defineGatway,\n} from "sluice";\nexport default defineGatway({});\n',
      'gateway.config.ts:2:3  "sluice" exports no "defineGatway". Did you mean "defineGateway"?',
    ],
    [
      "an export that is like none of sluice",
      'import { config } from "sluice";\nexport default config({});\n',
      'gateway.config.ts:1:10  "sluice" exports no "config". It exports ',
    ],
    [
      "an export that a file does not have",
      'import { givn } from "./other.ts";\nexport default { givn };\n',
      'gateway.config.ts:1:10  "other.ts" exports no "givn". Did you mean "given"?',
    ],
    [
      "a default export that sluice does not have",
      'import sluice from "sluice";\nexport default sluice({});\n',
      'gateway.config.ts:1:20  "sluice" has no default export.',
    ],
  ];
  test.each(failures)("%s", async (_, source, message) => {
    const cwd = folderWith({ ...files, "gateway.config.ts": source });
    const { code, stdout, stderr } = await sluice(["check"], { cwd });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain("$bunfs");
    expect(stdout).toBe("");
    expect(code).toBe(78);
  });

  test("several errors that do not follow from each other, a line each", async () => {
    const { code, stderr } = await checkText("const a = 1, b = 2;\nconst a = 3;\nconst b = 4;\nexport default {};\n");
    expect(stderr.split("\n")).toEqual([
      'gateway.config.ts:2:7  syntax error: "a" has already been declared.',
      'gateway.config.ts:3:7  syntax error: "b" has already been declared.',
      "2 faults.",
      "",
    ]);
    expect(code).toBe(78);
  });

  test("a name that is near to none gets no suggestion", async () => {
    for (const name of ["hono/nothing", "zod", "./absent.ts"]) {
      const { stderr } = await checkText(`import { a } from "${name}";\nexport default { a };\n`);
      expect(stderr).toContain(`"${name}"`);
      expect(stderr).not.toContain("Did you mean");
    }
  });

  test("JSON that is none", async () => {
    const cwd = folderWith({ "gateway.config.json": '{ "routes": { }' });
    const { code, stderr } = await sluice(["check"], { cwd });
    expect(stderr).toStartWith("gateway.config.json  syntax error: JSON");
    expect(code).toBe(78);
  });

  test("the faults of loading are there for machines too", async () => {
    const { code, stdout } = await checkText('import { a } from "zod";\nexport default { a };\n', "--json");
    const { faults } = JSON.parse(stdout) as { faults: unknown[] };
    expect(faults).toEqual([expect.objectContaining({ line: 1, column: 19, path: "" })]);
    expect(code).toBe(78);
  });

  test("a top-level await that never settles is given up after 10 s", async () => {
    const started = performance.now();
    const source = "const a = 1;\nawait new Promise(() => {});\nexport default { a };\n";
    const { code, stderr } = await checkText(source);
    expect(stderr).toBe(
      "gateway.config.ts:2:1  the config did not finish loading within 10 s. A top-level await never settles.\n",
    );
    expect(code).toBe(78);
    expect(performance.now() - started).toBeLessThan(15_000);
  }, 20_000);
});

describe("a config that is not there, exit 66", () => {
  test("none at all: says where it was looked for", async () => {
    const cwd = folderWith({});
    const { code, stderr } = await sluice(["check"], { cwd });
    expect(stderr).toContain(`Looked in ${cwd}, ${cwd}/.config/sluice, /etc/sluice.`);
    expect(code).toBe(66);
  });

  test("none, for a user without a home: the folders that are there are looked in", async () => {
    const cwd = folderWith({});
    const { code, stderr } = await sluice(["check"], { cwd, env: { HOME: "" } });
    expect(stderr).toContain("There is no gateway.config.ts.");
    expect(code).toBe(66);
  });

  test("the one that was named", async () => {
    const { code, stderr } = await sluice(["run", "absent.config.ts"], { cwd: folderWith({}) });
    expect(stderr).toBe("sluice: error: There is no file absent.config.ts that can be read.\n");
    expect(code).toBe(66);
  });

  test("a folder instead of a file: names the config inside", async () => {
    const cwd = folderWith({ "etc/gateway.config.ts": RIGHT_CONFIG });
    const { code, stderr } = await sluice(["check", "etc"], { cwd });
    expect(stderr).toContain("Did you mean etc/gateway.config.ts?");
    expect(code).toBe(66);
  });

  test("--json says so as well", async () => {
    const { code, stdout } = await sluice(["check", "absent.ts", "--json"], { cwd: folderWith({}) });
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, file: "absent.ts", faults: [{ path: "" }] });
    expect(code).toBe(66);
  });

  // root reads everything unless it gives that right up.
  const isRoot = process.getuid?.() === 0;
  const rights = "-dac_override,-dac_read_search";
  const through = isRoot ? ["setpriv", `--bounding-set=${rights}`, `--inh-caps=${rights}`] : [];
  test.skipIf(isRoot && Bun.which("setpriv") === null)("one that may not be read", async () => {
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    chmodSync(join(cwd, "gateway.config.ts"), 0);
    const { code, stderr } = await sluice(["check"], { cwd, through });
    expect(stderr).toBe("sluice: error: gateway.config.ts cannot be read (EACCES).\n");
    expect(code).toBe(66);
  });
});

function checkText(source: string, ...flags: string[]): Promise<Run> {
  return sluice(["check", ...flags], { cwd: folderWith({ "gateway.config.ts": source }) });
}

test("a file of revoked keys or of keys that would stop the start is a fault, with its line and column", async () => {
  const config = `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { port: 0 },
  admin: { port: 0, revokedKeys: "revoked" },
  keys: { file: "keys.yaml" },
  consumers: { acme: {} },
  auth: { key: apiKey() },
  routes: { r: { match: "/", answer: {}, auth: "key" } },
});
`;
  const cwd = folderWith({ "gateway.config.ts": config, "keys.yaml": "keys: []\n" });
  const keys = await sluice(["check"], { cwd });
  expect([keys.code, keys.stderr]).toEqual([78, expect.stringMatching(/^keys\.yaml:1:\d+ {2}keys\.file: /)]);
  writeFileSync(join(cwd, "keys.yaml"), `consumers:\n  acme: { keys: ["sha256:${"0".repeat(64)}"] }\n`);
  expect(await sluice(["check"], { cwd })).toMatchObject({ code: 0, stderr: "" });
  const head = "# API keys that were revoked over the admin listener: hash, time, id, consumer. Written by Sluice.\n";
  writeFileSync(join(cwd, "revoked"), `${head}sha256:${"0".repeat(64)} yesterday ci acme\n`);
  const [check, json, started] = await Promise.all([
    sluice(["check"], { cwd }),
    sluice(["check", "--json"], { cwd }),
    sluice(["run"], { cwd }),
  ]);
  expect([check.code, json.code, started.code]).toEqual([78, 78, 78]);
  expect(check.stderr).toStartWith("revoked:2:73  admin.revokedKeys: wanted a file of revoked keys that can be used.");
  expect(check.stderr).toContain("The line is none of a revoked key. Without it");
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    faults: [{ file: join(cwd, "revoked"), line: 2, column: 73, path: "admin.revokedKeys" }],
  });
  expect(started.stderr).toContain(`admin.revokedKeys: ${join(cwd, "revoked")}:2:73 cannot be used`);
  rmSync(join(cwd, "revoked"));
  expect((await sluice(["check"], { cwd })).code).toBe(0);
});

test("faults made on purpose are warned of, loudly, by check and by run", async () => {
  const route = '{ match: "/", answer: {}, faults: { abort: { status: 503 } } }';
  const text = `import { defineGateway } from "sluice";\nexport default defineGateway({ routes: { it: ${route} } });\n`;
  const cwd = folderWith({ "gateway.config.ts": text });
  const { code, stderr } = await sluice(["check"], { cwd });
  expect(code).toBe(0);
  expect(stderr).toContain("sluice: warn: FAULTS ARE MADE ON PURPOSE on it: ");
  const json = JSON.parse((await sluice(["check", "--json"], { cwd })).stdout) as { warnings: string[] };
  expect(json.warnings).toEqual([expect.stringMatching(/^FAULTS ARE MADE ON PURPOSE/)]);
});
