// `sluice top`: its numbers are those of clients, and a terminal is given back whatever ends it.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import type { Summary } from "../../../src/cli/top/summary.ts";
import { closedPort } from "../../support/closed-port.ts";
import { until, within } from "../../support/deadline.ts";
import { EXECUTABLE, type Gateway, startGateway } from "../../support/executable.ts";
import { get } from "../../support/messages.ts";
import { exchange } from "../../support/raw-client.ts";
import { cleanEnvironment, cleanUp, folderWith, type Run, sluice } from "./run-sluice.ts";

const TOKEN = "a-token-of-more-than-16";
afterAll(cleanUp);

let gateway: Gateway;
let onScreen: TopOnScreen | undefined;

afterEach(() => {
  onScreen?.child.kill("SIGKILL");
  onScreen = undefined;
  if (gateway.alive) gateway.signal("SIGKILL");
});

async function start(workers = 1): Promise<void> {
  gateway = await startGateway(
    `import { defineGateway, env } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  log: false,
  workers: ${workers},
  admin: { port: ${closedPort()}, token: env("ADMIN_TOKEN") },
  upstreams: { gone: { targets: ["http://127.0.0.1:${closedPort()}"] } },
  limits: { two: { limit: 2, window: "1h", by: "route" } },
  routes: {
    hello: { match: "/hello", answer: { body: "hello" } },
    gone: { match: "/gone", to: "gone" },
    two: { match: "/two", limits: "two", answer: { body: "ok" } },
  },
});
`,
    { env: { ADMIN_TOKEN: TOKEN } },
  );
}

async function drive(path: string, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await exchange(gateway.port, get(path, "Connection: close"));
}

const top = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = { ADMIN_TOKEN: TOKEN },
  cwd = gateway.folder,
): Promise<Run> => sluice(["top", ...args], { cwd, env });

describe.each([1, 2])("with workers: %d", (workers) => {
  test("numbers are those that were driven", async () => {
    await start(workers);
    await Promise.all([drive("/hello", 20), drive("/gone", 4), drive("/two", 5), drive("/nowhere", 3)]);
    const { code, stdout, stderr } = await top(["--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    const summary = JSON.parse(stdout) as Summary;
    expect(summary.requests.total).toBe(32);
    expect(summary.process.workers).toBe(workers);
    expect(Object.fromEntries(summary.routes.map(({ route, total }) => [route, total]))).toEqual({
      "": 3,
      gone: 4,
      hello: 20,
      two: 5,
    });
    expect(Object.fromEntries(summary.failures.map(({ code, count }) => [code, count]))).toEqual({
      connection_refused: 4,
      rate_limit_exceeded: 3,
      route_not_found: 3,
    });
    expect(summary.upstreams[0]!.targets[0]!.failures).toBe(4);
    expect(summary.decisions[0]).toMatchObject({ name: "two", allowed: 2, refused: 3 });
    expect(summary.lastLoad).toMatchObject({ ok: true, message: "started" });
    expect([summary.uses, summary.exchanges]).toEqual([[], []]);
    await gateway.stop();
  });
});

test("into a pipe it prints once, as text without colour", async () => {
  await start();
  await drive("/hello", 7);
  const { code, stdout, stderr } = await top([]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^sluice \S+ {2}up \d+s {2}1 worker {2}config loaded \d+s ago\n/);
  expect(stdout).toMatch(/^hello +0\.0 +- +- +- +0\.0 +0\.0 +7$/m);
  expect(stdout).not.toContain("\x1b");
  await gateway.stop();
});

test("--admin needs no config, and its token is in the environment", async () => {
  await start();
  const url = `http://127.0.0.1:${gateway.adminPort}`;
  const empty = folderWith({});
  expect((await top([`--admin=${url}`, "--once"], { SLUICE_ADMIN_TOKEN: TOKEN }, empty)).code).toBe(0);
  expect((await top(["--once"], { SLUICE_ADMIN: url, SLUICE_ADMIN_TOKEN: TOKEN }, empty)).code).toBe(0);
  const refused = await top([`--admin=${url}`], { SLUICE_ADMIN_TOKEN: "another-token" }, empty);
  expect([refused.code, refused.stdout]).toEqual([69, ""]);
  expect(refused.stderr).toContain("it wants another token");
  expect(refused.stderr).not.toContain("another-token");
  await gateway.stop();
  expect(await top([`--admin=${url}`], {}, empty)).toMatchObject({
    code: 69,
    stdout: "",
    stderr: expect.stringContaining(`No gateway answers at ${url}`),
  });
  expect(await top([], {}, empty)).toMatchObject({ code: 66 });
  expect(await top(["--admin=9901"], {}, empty)).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("--admin is a URL"),
  });
  expect(await top(["a.ts", `--admin=${url}`], {}, empty)).toMatchObject({ code: 64 });
});

/** `sluice top` in a terminal of its own. */
interface TopOnScreen {
  readonly child: Bun.Subprocess;
  readonly terminal: Bun.Terminal;
  /** All that it has written. */
  written: string;
}

const OPENED = "\x1b[?1049h";
const GIVEN_BACK = "\x1b[?7h\x1b[?25h\x1b[?1049l";

function startTop(env: Readonly<Record<string, string>> = {}): TopOnScreen {
  const decoder = new TextDecoder();
  const started = { written: "" } as { -readonly [K in keyof TopOnScreen]: TopOnScreen[K] };
  started.child = Bun.spawn([EXECUTABLE, "top"], {
    cwd: gateway.folder,
    env: cleanEnvironment({ cwd: gateway.folder, env: { ADMIN_TOKEN: TOKEN, TERM: "xterm", ...env } }),
    terminal: {
      cols: 100,
      rows: 30,
      data: (_, bytes) => (started.written += decoder.decode(bytes, { stream: true })),
    },
  });
  started.terminal = started.child.terminal!;
  return (onScreen = started);
}

/** The last picture, without colour. */
function picture({ written }: TopOnScreen): string {
  return written.slice(written.lastIndexOf("\x1b[H")).replaceAll(/\x1b\[[\d;?]*[A-Za-z]/g, "");
}

describe("in a terminal", () => {
  test("it shows what happens, sorts by keys, takes another size, and ends with q", async () => {
    await start();
    await drive("/hello", 9);
    const shown = startTop();
    await until(
      () => /^hello .* 9\r?$/m.test(picture(shown)),
      () => `the route; it shows ${picture(shown)}`,
    );
    expect(shown.written).toStartWith(OPENED);
    expect(picture(shown)).toContain("[r] requests");
    await drive("/gone", 5);
    await until(() => /^gone .* 5\r?$/m.test(picture(shown)), "the failures");
    expect(picture(shown)).toMatch(/^connection_refused .* 5\r?$/m);
    await drive("/two", 2);
    await until(() => /^two +route two +2 +2 +\S+\r?$/m.test(picture(shown)), "the limit that is used up");
    expect(picture(shown)).toMatch(/^ *\d+s +\S+ +502 +connection_\S* +GET \/gone +gone +http:\/\/\S+/m);
    shown.terminal.resize(100, 24);
    await until(() => /^… \d+ more\r?$/m.test(picture(shown)), "tables without their last rows");
    expect(picture(shown).trimEnd().split("\n").length).toBeLessThanOrEqual(24);
    shown.terminal.write("e");
    await until(() => picture(shown).includes("[e] errors"), "the other order");
    shown.terminal.resize(100, 3);
    await until(() => picture(shown).trimEnd().split("\n").length === 3, "three lines");
    shown.terminal.write("q");
    expect(await within(shown.child.exited, "its end")).toBe(0);
    await until(() => shown.written.endsWith(GIVEN_BACK), "the terminal as it was");
    await gateway.stop();
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)("%s gives the terminal back", async (signal) => {
    await start();
    const shown = startTop();
    await until(() => picture(shown).includes("req/s"), "the first picture");
    shown.child.kill(signal);
    expect(await within(shown.child.exited, "its end")).toBe(0);
    await until(() => shown.written.endsWith(GIVEN_BACK), "the terminal as it was");
    await gateway.stop();
  });

  test("what is meant for the gateway, SIGUSR1 and SIGUSR2, does not end it", async () => {
    await start();
    const shown = startTop();
    await until(() => picture(shown).includes("req/s"), "the first picture");
    shown.child.kill("SIGUSR2");
    shown.child.kill("SIGUSR1");
    await drive("/hello", 3);
    await until(() => /^hello .* 3\r?$/m.test(picture(shown)), "what happened since");
    shown.terminal.write("q");
    expect(await within(shown.child.exited, "its end")).toBe(0);
    await gateway.stop();
  });

  test("so does a gateway that goes away, which is told then", async () => {
    await start();
    const shown = startTop();
    await until(() => picture(shown).includes("req/s"), "the first picture");
    gateway.signal("SIGKILL");
    expect(await within(shown.child.exited, "its end")).toBe(69);
    await until(() => shown.written.includes("No gateway answers at"), "the reason");
    expect(shown.written.indexOf(GIVEN_BACK)).toBeLessThan(shown.written.indexOf("No gateway answers at"));
  });

  test("NO_COLOR is heeded, and a dumb terminal gets text once", async () => {
    await start();
    const plain = startTop({ NO_COLOR: "1" });
    await until(() => picture(plain).includes("req/s"), "the first picture");
    expect(plain.written).not.toMatch(/\x1b\[\d+m/);
    plain.terminal.write("\x03");
    expect(await within(plain.child.exited, "its end")).toBe(0);
    const dumb = startTop({ TERM: "dumb" });
    expect(await within(dumb.child.exited, "its end")).toBe(0);
    await until(() => dumb.written.includes("req/s"), "the text");
    expect(dumb.written).not.toContain("\x1b");
    await gateway.stop();
  });
});
