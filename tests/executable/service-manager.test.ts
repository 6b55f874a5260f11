// What systemd is told: a notify socket of the test's own hears each word of the executable.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { receiver } from "../support/datagram-receiver.ts";
import { until } from "../support/deadline.ts";
import { type Config, type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { connect, exchange } from "../support/raw-client.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-notify-"));
let gateway: Gateway | undefined;
let socket: ReturnType<typeof receiver> | undefined;

afterEach(() => {
  if (gateway?.alive === true) gateway.signal("SIGKILL");
  gateway = undefined;
  socket?.close();
  rmSync(join(folder, "notify"), { force: true });
});

/** A gateway that is watched, and what it has said so far, each message as a list of lines. */
async function watched(
  config: Config,
  env: Readonly<Record<string, string>> = {},
  path = join(folder, "notify"),
): Promise<{ gateway: Gateway; said(): string[][] }> {
  const heard = (socket = receiver(path));
  const messages: string[][] = [];
  gateway = await startGateway(config, { env: { NOTIFY_SOCKET: path.replace("\0", "@"), ...env } });
  const said = (): string[][] => {
    for (let text = heard.next(); text !== undefined; text = heard.next()) messages.push(text.split("\n"));
    return messages;
  };
  return { gateway, said };
}

const HELLO = { routes: { all: { match: "/*", answer: { body: "hello" } } } } as const;

test.each([
  ["a path", join(folder, "notify")],
  ["an abstract name", `\0sluice-test-${process.pid}`],
])("at %s it hears of the start, of a reload, and of the end", async (_, path) => {
  const { gateway, said } = await watched({ ...HELLO, shutdown: { drainDelay: "100ms", grace: "2s" } }, {}, path);
  await until(() => said().length === 1, "the first word");
  expect(said()[0]).toEqual(["READY=1", expect.stringMatching(/^STATUS=listening on http:.* \(1 route/)]);

  gateway.signal("SIGHUP");
  await until(() => said().length === 3, "the reload");
  expect(said()[1]).toEqual(["RELOADING=1", expect.stringMatching(/^MONOTONIC_USEC=\d+$/), "STATUS=loads the config"]);
  expect(said()[2]).toEqual(["READY=1", expect.stringMatching(/^STATUS=reloaded gateway\.config\.ts/)]);

  writeFileSync(join(gateway.folder, "gateway.config.ts"), "export default {");
  gateway.signal("SIGHUP");
  await until(() => said().length === 5, "the second reload");
  expect(said()[4]).toEqual(["READY=1", "STATUS=the last reload failed: the gateway goes on as it was"]);

  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
  expect(said().slice(5)).toEqual([["STOPPING=1", "EXTEND_TIMEOUT_USEC=7100000", "STATUS=lets exchanges finish"]]);
});

test("a reload has the time of the system's monotonic clock", async () => {
  const { gateway, said } = await watched(HELLO);
  const uptime = async (): Promise<number> => Number((await Bun.file("/proc/uptime").text()).split(" ")[0]);
  const before = await uptime();
  gateway.signal("SIGHUP");
  const line = await until(
    () =>
      said()
        .flat()
        .find((each) => each.startsWith("MONOTONIC_USEC=")),
    "the reload",
  );
  const told = Number(line.split("=")[1]) / 1e6;
  expect(told).toBeGreaterThanOrEqual(before - 0.02);
  expect(told).toBeLessThanOrEqual((await uptime()) + 0.02);
  await gateway.stop();
});

describe.each([1, 2])("with %d workers", (workers) => {
  const beats = (said: () => string[][]): number => said().filter(([word]) => word === "WATCHDOG=1").length;
  const looping = `import { writeSync } from "node:fs";
import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${workers},
  routes: {
    all: { match: "/*", answer: {} },
    loop: { match: "/loop", handler: () => { writeSync(2, "caught\\n"); for (;;); } },
  },
});
`;

  test("the watchdog hears of it while all threads go on, and no more once one hangs", async () => {
    const { gateway, said } = await watched(looping, { WATCHDOG_USEC: "400000" });
    await until(() => beats(said) >= 3, "three signs of life");
    expect((await exchange(gateway.port, get("/"))).status).toBe(200);
    using client = await connect(gateway.port);
    await client.send(get("/loop"));
    await until(() => gateway.stderr.text.includes("caught"), "the loop to begin");
    const began = performance.now();
    let count = beats(said);
    let quiet = began;
    await until(() => {
      if (beats(said) !== count) [count, quiet] = [beats(said), performance.now()];
      return performance.now() - quiet > 1000;
    }, "the silence");
    // One sign at most that was on its way.
    expect(quiet - began).toBeLessThan(500);
    gateway.signal("SIGKILL");
    await gateway.ended();
  });
});

test("a watchdog of another process is not heard", async () => {
  const { gateway, said } = await watched(HELLO, { WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" });
  await until(() => said().length > 0, "the first word");
  await exchange(gateway.port, get("/"));
  await gateway.stop();
  expect(said().flat()).not.toContain("WATCHDOG=1");
});

test("a socket that nobody has is told once, and the gateway serves", async () => {
  gateway = await startGateway(HELLO, { env: { NOTIFY_SOCKET: join(folder, "nobody") } });
  expect(gateway.stderr.text).toContain("nobody takes no datagrams: the service manager is told nothing");
  expect((await exchange(gateway.port, get("/"))).body.text).toBe("hello");
  await gateway.stop();
});
