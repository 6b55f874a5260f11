// `sluice routes` and `sluice plan`, as the executable prints them: on stdout, for people and for machines.
import { afterAll, describe, expect, test } from "bun:test";
import { cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const CONFIG = `import { defineGateway, env } from "sluice";
export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  routes: {
    all: { match: "/*", to: "orders", headers: { request: { set: { "x-key": env("KEY") } } } },
    one: { match: "GET /orders/:id/with/a/long/path", to: "orders" },
  },
});
`;
const SECRET = "s3cr3t-v4lue-9f1c";
const run = (args: string[], env: Record<string, string> = {}): ReturnType<typeof sluice> =>
  sluice(args, { cwd: folderWith({ "gateway.config.ts": CONFIG }), env: { KEY: SECRET, ...env } });

describe("sluice routes", () => {
  test("prints a table on stdout, without colour into a pipe", async () => {
    expect(await run(["routes"])).toEqual({
      code: 0,
      stdout: [
        "ROUTE  METHODS  PATH                          TO      ALSO",
        "one    GET      /orders/:id/with/a/long/path  orders",
        "all    any      /*                            orders  headers",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  test("keeps to the width that COLUMNS says", async () => {
    const { stdout } = await run(["routes"], { COLUMNS: "44" });
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(44);
  });

  test("--json is one object, and colour is where it is asked for", async () => {
    const { stdout } = await run(["routes", "--json"], { FORCE_COLOR: "1" });
    expect((JSON.parse(stdout) as { routes: { name: string }[] }).routes.map(({ name }) => name)).toEqual([
      "one",
      "all",
    ]);
    expect((await run(["routes"], { FORCE_COLOR: "1" })).stdout).toStartWith("\u001b[1mROUTE");
  });
});

test("sluice plan tells every setting and no secret, and --json the same", async () => {
  const [text, json] = await Promise.all([run(["plan"]), run(["plan", "--json"])]);
  expect(text.stdout).toMatch(/^upstreams\.orders\.timeouts\.connect +5s$/m);
  expect(JSON.parse(json.stdout)).toMatchObject({ upstreams: { orders: { timeouts: { connectMs: 5000 } } } });
  for (const { stdout, stderr, code } of [text, json]) {
    expect(stdout + stderr).not.toContain(SECRET);
    expect(stdout).toContain("[redacted]");
    expect(code).toBe(0);
  }
});

test.each(["routes", "plan"])(
  "sluice %s tells what is wrong with a config: 78, and where there is none: 66",
  async (verb) => {
    const wrong = await sluice([verb], {
      cwd: folderWith({ "gateway.config.ts": "export default { routes: {} };\n" }),
    });
    expect(wrong.stderr).toContain("gateway.config.ts:1:");
    expect([wrong.code, wrong.stdout]).toEqual([78, ""]);
    expect((await sluice([verb], { cwd: folderWith({}) })).code).toBe(66);
  },
);
