// `sluice diff`, as the executable prints it: two configs, a config and what runs, and what a log says of both.
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { get } from "../../support/messages.ts";
import { exchange } from "../../support/raw-client.ts";
import { until } from "../../support/deadline.ts";
import { cleanUp, folderWith, type Run, sluice, startSluice } from "./run-sluice.ts";

afterAll(cleanUp);

const config = (to: string, more = ""): string => `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  admin: { socket: "admin.sock" },
  upstreams: { one: { targets: ["http://127.0.0.1:9"] }, two: { targets: ["http://127.0.0.1:10"] } },
  routes: {
    orders: { match: "/orders/:id", to: "${to}" },
    hello: { match: "/hello", answer: { body: "hello" } },
  },
  ${more}
});
`;
const files = {
  "old.config.ts": config("one"),
  "new.config.ts": config("two"),
  "wrong.config.ts": "export default {};",
};
const LOG = ["/orders/1?key=hush", "/orders/2", "/hello", "/gone"]
  .map((target, i) => {
    const [path, query] = target.split("?");
    const line = {
      ...{ time: `2026-01-01T00:00:0${i}.000Z`, request_id: `id-${i}`, "http.request.method": "GET", "url.path": path },
      ...{ "url.query": query, "server.address": "gw.test", "client.address": "10.0.0.1", duration: 0.1 },
    };
    return `${JSON.stringify(line)}\n`;
  })
  .join("");

const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}, input?: string): Promise<Run> =>
  sluice(["diff", ...args], { cwd: folderWith({ ...files, ...more }), ...(input === undefined ? {} : { input }) });

describe("two configs", () => {
  test("what is set otherwise, with both places: exit 1", async () => {
    expect(await run(["old.config.ts", "new.config.ts"])).toEqual({
      code: 1,
      stdout: [
        "SETTING                             BEFORE  AFTER  PLACE",
        "routes.orders.destination.upstream  one     two    old.config.ts:7 new.config.ts:7",
        "",
        "1 setting differs",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  test("nothing: exit 0", async () => {
    expect(await run(["old.config.ts", "old.config.ts"])).toEqual({ code: 0, stdout: "no difference\n", stderr: "" });
  });

  test("--json tells machines", async () => {
    const { code, stdout } = await run(["old.config.ts", "new.config.ts", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { same: false, changes: [{ before: "one", after: "two" }] }]);
  });

  test.each([
    [["old.config.ts", "gone.config.ts"], 66, "There is no file gone.config.ts"],
    [["old.config.ts", "wrong.config.ts"], 78, "wrong.config.ts:1:16  routes: "],
    [["wrong.config.ts", "old.config.ts"], 78, "wrong.config.ts:1:16  routes: "],
  ])("%j: exit %i", async (args, exitCode, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([exitCode, ""]);
  });
});

describe("--log", () => {
  test("which requests would change, with one as an example and its credentials masked: exit 1", async () => {
    const log = `${LOG}no line of a log\n\n`;
    expect(await run(["old.config.ts", "new.config.ts", "--log=access.log"], { "access.log": log })).toEqual({
      code: 1,
      stdout: [
        "       2  GET /orders/:id",
        "          leads to  one → two",
        "          such as /orders/1?key=REDACTED at 2026-01-01T00:00:00.000Z, id-0",
        "",
        "2 of 4 requests would change; 1 line is none of an access log, the first is line 5",
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  test("standard input, for machines", async () => {
    const { code, stdout } = await run(["old.config.ts", "new.config.ts", "--log=-", "--json"], {}, LOG);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      {
        ...{ same: false, requests: 4, unreadable: 0, cut: 0, others: 0 },
        groups: [{ method: "GET", pattern: "/orders/:id", requests: 2, doubts: [], changes: [{ what: "leadsTo" }] }],
      },
    ]);
  });

  test("the same config: exit 0", async () => {
    expect(await run(["old.config.ts", "old.config.ts", "--log=-"], {}, LOG)).toEqual({
      code: 0,
      stdout: "0 of 4 requests would change\n",
      stderr: "",
    });
  });

  test("more requests than an upstream has connections for", async () => {
    const each = LOG.split("\n")[1]!;
    const many = Array.from({ length: 5000 }, (_, i) => each.replace("/orders/2", `/orders/${i}`)).join("\n");
    const { stdout } = await run(["old.config.ts", "new.config.ts", "--log=-"], {}, many);
    expect(stdout).toEndWith("\n\n5000 of 5000 requests would change\n");
  }, 60_000);

  test.each([
    ["a file that is not there", ["--log=gone.log"], "gone.log cannot be read"],
    ["a file that is no log", ["--log=new.config.ts"], "No line of new.config.ts is of an access log."],
  ])("%s: exit 66", async (_, args, message) => {
    const { code, stderr } = await run(["old.config.ts", "new.config.ts", ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(66);
  });
});

describe("what runs", () => {
  test("a config is compared with it: what a reload would change", async () => {
    const cwd = folderWith({ "gateway.config.ts": config("one", 'workers: "auto",') });
    const gateway = await startSluice([], { cwd });
    expect(await sluice(["diff"], { cwd })).toEqual({ code: 0, stdout: "no difference\n", stderr: "" });
    writeFileSync(join(cwd, "gateway.config.ts"), config("two", 'workers: "auto", serverTiming: true,'));
    const { code, stdout } = await sluice(["diff", "--json"], { cwd });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      {
        changes: [
          {
            path: "routes.orders.destination.upstream",
            before: "one",
            after: "two",
            placeAfter: "gateway.config.ts:7",
          },
          { path: "serverTiming", before: "false", after: "true", placeAfter: "gateway.config.ts:10" },
        ],
      },
    ]);
    gateway.signal("SIGINT");
    expect(await gateway.ended()).toBe(0);
    const gone = await sluice(["diff"], { cwd });
    expect(gone.stderr).toMatch(/No gateway answers at unix:\S+: there is no such socket\.\n/);
    expect(gone.code).toBe(69);
  });

  test("the log of a gateway is read as it wrote it: nothing differs from the config that it runs", async () => {
    const cwd = folderWith({ "gateway.config.ts": config("one") });
    const gateway = await startSluice([], { cwd });
    for (const target of ["/hello", "/hello?a=b", "/gone", "/hello/../hello"])
      await exchange(gateway.port, get(target));
    await until(() => gateway.output.stdout.split("\n").length > 4, "four lines");
    gateway.signal("SIGINT");
    await gateway.ended();
    const log = gateway.output.stdout;
    const args = ["diff", "gateway.config.ts", "gateway.config.ts", "--log=-"];
    expect(await sluice(args, { cwd, input: log })).toMatchObject({
      code: 0,
      stdout: "0 of 4 requests would change\n",
    });
    writeFileSync(join(cwd, "next.config.ts"), config("one").replace('"/hello"', '"/hallo"'));
    const next = await sluice(["diff", "gateway.config.ts", "next.config.ts", "--log=-"], { cwd, input: log });
    expect(next.stdout).toStartWith(
      [
        "       3  GET /hello",
        "          route     hello → none",
        "          verdict   passes → 404 route_not_found",
        "",
      ].join("\n"),
    );
  });
});
