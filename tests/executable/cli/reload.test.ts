// `sluice reload`: asks the running gateway, and ends as that did.
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { closedPort } from "../../support/closed-port.ts";
import { type Gateway, startGateway } from "../../support/executable.ts";
import { get, request } from "../../support/messages.ts";
import { readMetrics, sumOf } from "../../support/metrics-text.ts";
import { exchange } from "../../support/raw-client.ts";
import { type Run, sluice } from "./run-sluice.ts";

let started: Gateway | undefined;
afterEach(() => {
  if (started?.alive) started.signal("SIGKILL");
  started = undefined;
});

interface Options {
  readonly port: number;
  readonly workers?: number;
  readonly answer?: string;
  readonly admin?: string;
}

const config = ({ port, workers = 1, answer = "one", admin = "" }: Options): string =>
  `import { defineGateway, env } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  log: false,
  workers: ${workers},
  admin: { port: ${port}, ${admin} },
  routes: { all: { match: "/*", answer: { body: "${answer}" } } },
});
`;

async function start(options: Options, env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  started = await startGateway(config(options), { env });
  return started;
}

function write(gateway: Gateway, text: string): void {
  writeFileSync(join(gateway.folder, "gateway.config.ts"), text);
}

const run = (
  gateway: Gateway,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Run> => sluice(["reload", ...args], { cwd: gateway.folder, env });
const body = async (gateway: Gateway): Promise<string> => (await exchange(gateway.port, get("/"))).body.text;
const scrape = async (gateway: Gateway): Promise<ReturnType<typeof readMetrics>> =>
  readMetrics((await exchange(gateway.adminPort, get("/metrics").replace("gw.test", "localhost"))).body.text);

describe.each([1, 2])("with workers: %i", (workers) => {
  test("a changed config runs when the verb ends, and metrics tell of it", async () => {
    const port = closedPort();
    const gateway = await start({ port, workers });
    const before = await scrape(gateway);
    write(gateway, config({ port, workers, answer: "two" }));
    expect(await run(gateway)).toEqual({
      code: 0,
      stdout: "reloaded gateway.config.ts (1 route, 0 upstreams)\n",
      stderr: "",
    });
    expect(await body(gateway)).toBe("two");
    const after = await scrape(gateway);
    expect(sumOf(after, "sluice_config_reloads_total", { result: "success" })).toBe(1);
    expect(sumOf(after, "sluice_config_reloads_total", { result: "failure" })).toBe(0);
    const since = "sluice_config_last_reload_success_timestamp_seconds";
    expect(sumOf(after, since)).toBeGreaterThan(sumOf(before, since));
    await gateway.stop();
  });

  test("a config that only the gateway cannot run ends with its reason, and changes nothing", async () => {
    const port = closedPort();
    const gateway = await start({ port, workers });
    using other = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    write(gateway, config({ port, workers, answer: "two" }).replace("port: 0", `port: ${other.port}`));
    const { code, stdout, stderr } = await run(gateway);
    expect([code, stdout]).toEqual([71, ""]);
    expect(stderr).toContain(`Cannot listen on 127.0.0.1:${other.port}`);
    expect(stderr).toContain("the gateway goes on as it was");
    expect(await body(gateway)).toBe("one");
    expect(sumOf(await scrape(gateway), "sluice_config_reloads_total", { result: "failure" })).toBe(1);
    await gateway.stop();
  });
});

test("a config that is wrong ends with 78 and its faults", async () => {
  const port = closedPort();
  const gateway = await start({ port });
  write(gateway, config({ port }).replace("answer", "anwser"));
  expect(await run(gateway)).toMatchObject({
    code: 78,
    stdout: "",
    stderr: expect.stringContaining("gateway.config.ts:7:"),
  });
  const { code, stdout } = await run(gateway, ["--json"]);
  expect(code).toBe(78);
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 78, faults: [{ line: 7 }, { line: 7 }] });
  const asked = await exchange(port, request("POST", "/reload").replace("gw.test", "localhost"));
  expect(asked.status).toBe(422);
  expect(JSON.parse(asked.body.text)).toMatchObject({ ok: false, exitCode: 78, faults: [{ line: 7 }, { line: 7 }] });
  expect(await body(gateway)).toBe("one");
  await gateway.stop();
});

test("the token of the config is shown, and without it nothing is reloaded", async () => {
  const port = closedPort();
  const env = { ADMIN_TOKEN: "a-token-of-more-than-16" };
  const gateway = await start({ port, admin: 'token: env("ADMIN_TOKEN")' }, env);
  expect((await run(gateway, [], env)).code).toBe(0);
  const other = await run(gateway, [], { ADMIN_TOKEN: "another-token-of-more-than-16" });
  expect(other.code).toBe(69);
  expect(other.stderr).not.toContain("another-token");
  expect((await exchange(port, request("POST", "/reload").replace("gw.test", "localhost"))).status).toBe(401);
  expect((await exchange(port, get("/reload").replace("gw.test", "localhost"))).status).toBe(401);
  expect(gateway.stderr.text.match(/reloaded/g)).toHaveLength(1);
  await gateway.stop();
});

test("a gateway that is not there, and a config without admin, are told", async () => {
  const gateway = await start({ port: closedPort() });
  write(gateway, config({ port: closedPort() }));
  expect(await run(gateway)).toMatchObject({
    code: 69,
    stderr: expect.stringMatching(/^sluice: error: No gateway answers at http:\/\/\S+: nobody listens there\.\n/),
  });
  write(gateway, config({ port: 0 }).replace(/admin: .*/, ""));
  expect(await run(gateway)).toMatchObject({ code: 78, stderr: expect.stringContaining("has no admin") });
  write(gateway, config({ port: 0 }));
  expect(await run(gateway)).toMatchObject({ code: 78, stderr: expect.stringContaining("admin.port is 0") });
  await gateway.stop();
});
