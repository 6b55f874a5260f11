// Reloads of the running executable: what the file says then is what runs, and what is wrong with it changes nothing.
import { afterEach, describe, expect, test } from "bun:test";
import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { accept, openWebSocket } from "../cases/websocket-steps.ts";
import { elapse, until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect, exchange, refuses } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { closedPort } from "../support/closed-port.ts";
import { config, endStories, SAY, says, start } from "../support/reload-story.ts";
import { closeOf, frame, OPCODE } from "../support/websocket-frames.ts";

afterEach(endStories);

describe.each([1, 2])("with workers: %i", (workers) => {
  const written = (routes = SAY, more = "", head = ""): string => config(routes, `workers: ${workers}, ${more}`, head);

  test("SIGHUP loads the config and what it imports; clients stay connected", async () => {
    const story = await start(written());
    using client = await connect(story.gateway.port);
    const ask = async (): Promise<string> => {
      await client.send(get("/"));
      return (await client.receive()).body.text;
    };
    expect(await ask()).toBe("one");
    expect(await story.reload({ "says.ts": says("two") })).toBe(
      "sluice: reloaded gateway.config.ts (1 route, 0 upstreams)\n",
    );
    expect(await ask()).toBe("two");
    await story.reload({
      "gateway.config.ts": written('all: { match: "/*", handler: () => new Response(says + "!") }'),
    });
    expect(await ask()).toBe("two!");
    await story.gateway.stop();
  });

  test.each<[what: string, files: Record<string, string>, told: RegExp]>([
    ["that does not parse", { "says.ts": "export const says = ;" }, /^says\.ts:1:21 {2}syntax error: /],
    [
      "that is wrong",
      { "gateway.config.ts": written(`${SAY.slice(0, -1)}, handle: 1 }`) },
      /^gateway\.config\.ts:4:\d+ {2}routes\.all\.handle: "handle" is not an option/,
    ],
    ["that throws", { "says.ts": `${says("two")}throw new Error("on purpose");` }, /^says\.ts:2:\d+ .*on purpose/],
    [
      "that imports what is not there",
      { "gateway.config.ts": `import "./none.ts";\n${written()}` },
      /^gateway\.config\.ts:1:8 {2}there is no file "\.\/none\.ts"/,
    ],
    [
      "that lacks an export",
      { "says.ts": "export const said = 1;" },
      /^gateway\.config\.ts:2:10 {2}"says\.ts" exports no "says"\. Did you mean "said"\?/,
    ],
  ])("a config %s changes nothing", async (_, files, told) => {
    const story = await start(written());
    const text = await story.reload(files);
    expect(text).toMatch(told);
    expect(text).toEndWith("sluice: error: gateway.config.ts was not reloaded: the gateway goes on as it was\n");
    expect(await story.body()).toBe("one");
    await story.reload({ "gateway.config.ts": written(), "says.ts": says("mended") });
    expect(await story.body()).toBe("mended");
    await story.gateway.stop();
  });

  test("a file that is gone is told where it is imported", async () => {
    const story = await start(written());
    rmSync(join(story.gateway.folder, "says.ts"));
    expect(await story.reload()).toMatch(/^gateway\.config\.ts:2:22 {2}there is no file "\.?\/?says\.ts"/);
    expect(await story.body()).toBe("one");
    rmSync(join(story.gateway.folder, "gateway.config.ts"));
    expect(await story.reload()).toContain("gateway.config.ts cannot be read (ENOENT).");
    expect(await story.body()).toBe("one");
    await story.gateway.stop();
  });

  test("an exchange under way ends by the config that it began with", async () => {
    const routes = `all: { match: "/*", handler: async () => {
      const before = says;
      await Bun.sleep(700);
      return new Response(before + (await import("./late.ts")).late + says);
    } }`;
    const files = { "says.ts": says("one"), "late.ts": 'export const late = "-";' };
    const story = await start(written(routes), { files });
    using client = await connect(story.gateway.port);
    await client.send(get("/"));
    await elapse(100);
    await story.reload({ "says.ts": says("two") });
    expect((await client.receive()).body.text).toBe("one-one");
    expect(await story.body()).toBe("two-two");
    await story.gateway.stop();
  });

  test("what the old config has left running ends with it", async () => {
    const head = "let count = 0; setInterval(() => console.error(`tick ${says} ${++count}`), 20);";
    const story = await start(written(SAY, "", head));
    await until(() => story.gateway.stderr.text.includes("tick one 2"), "ticks");
    await story.reload({ "says.ts": says("two") });
    await until(() => story.gateway.stderr.text.includes("tick two 2"), "ticks");
    const last = story.gateway.stderr.text.lastIndexOf("tick one");
    await until(() => story.gateway.stderr.text.includes("tick two 20"), "more ticks");
    expect(story.gateway.stderr.text.lastIndexOf("tick one")).toBe(last);
    await story.gateway.stop();
  });

  test("what limits have counted goes on, in a larger table too", async () => {
    const limited = (more = ""): string =>
      written(SAY.replace("match", 'limits: "few", match'), `limits: { few: { limit: 4, window: "1h" } }, ${more}`);
    const story = await start(limited());
    const statuses = async (): Promise<number[]> =>
      (await Promise.all([1, 2, 3].map(() => exchange(story.gateway.port, get("/"))))).map(({ status }) => status);
    expect(await statuses()).toEqual([200, 200, 200]);
    await story.reload({ "gateway.config.ts": limited("limiting: { capacity: 1_000_000 },") });
    expect((await statuses()).sort()).toEqual([200, 429, 429]);
    await story.reload({ "gateway.config.ts": written() });
    expect(await statuses()).toEqual([200, 200, 200]);
    await story.gateway.stop();
  });

  test("it listens elsewhere when the config says so, and stays where it cannot", async () => {
    const [other, taken] = [closedPort(), await startOrigin()];
    const on = (port: number): string => written().replace("port: 0", `port: ${port}`);
    const story = await start(written());
    const told = await story.reload({ "gateway.config.ts": on(other) });
    expect(told).toEndWith(`listening on http://127.0.0.1:${other}\n`);
    expect(await story.body("/", other)).toBe("one");
    await refuses(story.gateway.port);
    expect(await story.reload({ "gateway.config.ts": on(taken.port) })).toContain("another process listens there");
    expect(await story.body("/", other)).toBe("one");
    const elsewhere = on(other).replace("127.0.0.1", "127.0.0.2");
    expect(await story.reload({ "gateway.config.ts": elsewhere })).toContain(
      "cannot be taken while the gateway has port",
    );
    expect(await story.body("/", other)).toBe("one");
    await story.gateway.stop();
    await taken.stop();
  });

  test("WebSockets stay open while their route is there", async () => {
    const origin = await startOrigin({
      behaviour: async (x) => {
        const end = await accept(x);
        for (let next = await end.next(30_000); next !== undefined; next = await end.next(30_000)) {
          await end.writer.send(frame(next.opcode, next.payload));
        }
        x.finish();
      },
    });
    const forwarding = (name: string): string =>
      written(`${name}: { match: "/ws", to: "u" }, ${SAY}`, `upstreams: { u: { targets: ["${origin.url}"] } },`);
    const story = await start(forwarding("socket"));
    using client = await connect(story.gateway.port);
    const end = await openWebSocket(client, "/ws");
    const echo = async (text: string): Promise<string | undefined> => {
      await client.send(frame(OPCODE.text, Buffer.from(text), { mask: true }));
      return (await end.next())?.payload.toString();
    };
    expect(await echo("before")).toBe("before");
    for (const text of ["two", "three"]) {
      await story.reload({ "says.ts": says(text) });
      expect(await echo(text)).toBe(text);
    }
    await story.reload({ "gateway.config.ts": forwarding("other") });
    expect(closeOf((await end.next())!.payload).code).toBe(1012);
    await until(() => client.ending !== "open", "the WebSocket to close");
    await story.gateway.stop();
    await origin.stop();
  });

  test("--watch reloads when a file changes that the config imports", async () => {
    const story = await start(written(), { args: ["--watch"] });
    expect(await story.told(() => story.write({ "says.ts": says("two") }))).toContain("reloaded");
    expect(await story.body()).toBe("two");
    expect(await story.told(() => story.write({ "says.ts": "broken (" }))).toContain("says.ts:1");
    expect(await story.told(() => story.write({ "says.ts": says("three") }))).toContain("reloaded");
    expect(await story.body()).toBe("three");
    await story.gateway.stop();
  });
});

test("another number of workers waits for a restart; all else holds", async () => {
  const story = await start(config(SAY, "workers: 1,"));
  const told = await story.reload({ "gateway.config.ts": config(SAY, "workers: 3,"), "says.ts": says("two") });
  expect(told).toStartWith(
    "sluice: warn: workers: what it says now holds after a restart or an upgrade\nsluice: reloaded",
  );
  expect(await story.body()).toBe("two");
  await story.gateway.stop();
});

describe("of several workers", () => {
  const ALONE = 'import { isMainThread } from "node:worker_threads"; if (!isMainThread) throw new Error("only here");';

  test("one that cannot load a config keeps all from it", async () => {
    const story = await start(config(SAY, "workers: 2,"));
    const told = await story.reload({ "gateway.config.ts": config(SAY, "workers: 2,", ALONE) });
    expect(told).toMatch(/worker \d cannot load what the main thread has loaded: gateway\.config\.ts:3:\d+.*only here/);
    for (let i = 0; i < 10; i++) expect(await story.body()).toBe("one");
    await story.gateway.stop();
  });

  test("a config behind a symbolic link is loaded as it was read, whatever is on the disk by then", async () => {
    const spoils = `import { writeFileSync } from "node:fs"; import { isMainThread } from "node:worker_threads";
      if (isMainThread) writeFileSync(import.meta.path, "broken (");`;
    const story = await start(config(SAY, "workers: 2,"));
    story.write({ "real.ts": config(SAY, "workers: 2,", spoils), "says.ts": says("two") });
    rmSync(join(story.gateway.folder, "gateway.config.ts"));
    symlinkSync("real.ts", join(story.gateway.folder, "gateway.config.ts"));
    expect(await story.reload()).toStartWith("sluice: reloaded gateway.config.ts");
    for (let i = 0; i < 10; i++) expect(await story.body()).toBe("two");
    await story.gateway.stop();
  });

  test("one that takes the place of another runs what the others run, whatever is on the disk", async () => {
    const routes = `${SAY}, end: { match: "/end", handler: () => process.exit(7) }`;
    const written = config(routes, "workers: 2,");
    const story = await start(written);
    await story.reload({ "says.ts": says("two") });
    story.write({ "says.ts": "broken (", "gateway.config.ts": "nothing" });
    const client = await connect(story.gateway.port);
    await client.send(get("/end"));
    await until(() => /worker \d serves again/.test(story.gateway.stderr.text), "another worker", 10_000);
    client.close();
    for (let i = 0; i < 20; i++) expect(await story.body()).toBe("two");
    await story.reload({ "says.ts": says("three"), "gateway.config.ts": written });
    for (let i = 0; i < 20; i++) expect(await story.body()).toBe("three");
    await story.gateway.stop();
  });
});

test("reloads asked for while one is under way come to what the file says last", async () => {
  const story = await start(config(SAY));
  for (let i = 0; i < 20; i++) {
    story.write({ "says.ts": says(String(i)) });
    story.gateway.signal("SIGHUP");
  }
  await until(async () => (await story.body()) === "19", "the last config");
  await story.gateway.stop();
});

test("a gateway that shuts down reloads nothing", async () => {
  const origin = await startOrigin({ behaviour: (x) => x.wait(700).then(() => x.send(plain("done"))) });
  const routes = 'all: { match: "/*", to: "u" }';
  const story = await start(config(routes, `upstreams: { u: { targets: ["${origin.url}"] } },`));
  using client = await connect(story.gateway.port);
  await client.send(get("/"));
  await until(() => origin.requests.length === 1, "the request");
  story.gateway.signal("SIGTERM");
  await refuses(story.gateway.port);
  story.gateway.signal("SIGHUP");
  await until(() => story.gateway.stderr.text.includes("it reloads nothing"), "the word on stderr");
  expect((await client.receive()).body.text).toBe("done");
  await story.gateway.stop();
  await origin.stop();
});
