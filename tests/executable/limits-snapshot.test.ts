// Counts over a restart of the executable: they go on, and a file that is no good stops nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";

let origin: RawOrigin;
const folder = mkdtempSync(join(tmpdir(), "sluice-snapshot-"));
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(async () => {
  await origin.stop();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
const ownFile = (): string => join(folder, `limits-${++files}.snapshot`);

const LIMIT = { limit: 3, window: "1h", by: { header: "x-caller" } };

function start(snapshot: string, limit: object = LIMIT, limiting: object = {}): Promise<Gateway> {
  return startGateway({
    upstreams: { u1: { targets: [origin.url] } },
    limits: { few: limit },
    limiting: { snapshot, ...limiting },
    routes: { all: { match: "/*", to: "u1", limits: "few" } },
  } as never);
}

async function statuses({ port }: Gateway, times: number, caller = "somebody"): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push((await exchange(port, get("/x", `X-Caller: ${caller}`))).status);
  return all;
}

const told = ({ stderr }: Gateway): string[] =>
  stderr.text.split("\n").filter((line) => line.includes("limiting.snapshot"));

test("what was counted counts in the next process and the one after it, and others may still call", async () => {
  const file = ownFile();
  const first = await start(file);
  expect(await statuses(first, 2)).toEqual([200, 200]);
  expect(existsSync(file)).toBe(false);
  await first.stop();
  const second = await start(file, LIMIT, { capacity: 4096 });
  expect(await statuses(second, 2)).toEqual([200, 429]);
  await second.stop();
  const third = await start(file);
  expect(await statuses(third, 1)).toEqual([429]);
  expect(await statuses(third, 4, "somebody else")).toEqual([200, 200, 200, 429]);
  await third.stop();
  for (const each of [first, second, third]) expect(told(each)).toEqual([]);
});

test("the file is for its owner alone, holds no names, and nothing is left beside it", async () => {
  const file = ownFile();
  const gateway = await start(file);
  await statuses(gateway, 1, "a-name-to-look-for");
  await gateway.stop();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "latin1")).not.toContain("a-name");
  expect(readdirSync(folder).filter((name) => name.includes(".new"))).toEqual([]);
});

test("a window that has passed meanwhile counts no more", async () => {
  const file = ownFile();
  const limit = { ...LIMIT, window: "1s" };
  const first = await start(file, limit);
  expect(await statuses(first, 4)).toEqual([200, 200, 200, 429]);
  const after = performance.now();
  await first.stop();
  const second = await start(file, limit);
  await until(() => performance.now() - after > 1010, "the window to pass");
  expect(await statuses(second, 1)).toEqual([200]);
  await second.stop();
});

test("a limit with another rule begins anew", async () => {
  const file = ownFile();
  const first = await start(file);
  await statuses(first, 3);
  await first.stop();
  const second = await start(file, { ...LIMIT, window: "2h" });
  expect(await statuses(second, 1)).toEqual([200]);
  await second.stop();
});

test("what was given back, because its answer did not count, is not in it", async () => {
  const file = ownFile();
  const first = await start(file, { ...LIMIT, statuses: ["5xx"] });
  expect(await statuses(first, 1)).toEqual([200]);
  await first.stop();
  const second = await start(file, { ...LIMIT, statuses: ["5xx"] });
  expect(await statuses(second, 4)).toEqual([200, 200, 200, 200]);
  await second.stop();
});

test("a process that is killed leaves the file of the one before it", async () => {
  const file = ownFile();
  const first = await start(file);
  await statuses(first, 2);
  await first.stop();
  const killed = await start(file);
  expect(await statuses(killed, 2)).toEqual([200, 429]);
  killed.signal("SIGKILL");
  await killed.ended();
  const third = await start(file);
  expect(await statuses(third, 2)).toEqual([200, 429]);
  await third.stop();
});

describe("a file that is no good is told of and ignored, and replaced at the end:", () => {
  const whole = async (): Promise<Buffer> => {
    const file = ownFile();
    const gateway = await start(file);
    await statuses(gateway, 3);
    await gateway.stop();
    return readFileSync(file);
  };
  const rows: [what: string, make: (file: string) => Promise<void>, says: RegExp][] = [
    ["empty", async (file) => writeFileSync(file, ""), /is broken: limits count from zero$/],
    ["cut off", async (file) => writeFileSync(file, (await whole()).subarray(0, -40)), /is broken/],
    [
      "a bit that has flipped",
      async (file) => {
        const bytes = await whole();
        bytes[50]! ^= 4;
        writeFileSync(file, bytes);
      },
      /is broken/,
    ],
    ["something else", async (file) => writeFileSync(file, "x".repeat(64 * 10)), /is none of counts/],
    ["a folder", async (file) => mkdirSync(file), /cannot be read \(.*EISDIR/],
    ["a link to itself", async (file) => symlinkSync(file, file), /cannot be read \(.*ELOOP/],
  ];
  test.each(rows)("%s", async (what, make, says) => {
    const file = ownFile();
    await make(file);
    const gateway = await start(file);
    expect(told(gateway)).toEqual([expect.stringMatching(says)]);
    expect(await statuses(gateway, 4)).toEqual([200, 200, 200, 429]);
    await gateway.stop();
    if (what === "a folder") return;
    const next = await start(file);
    expect(told(next)).toEqual([]);
    expect(await statuses(next, 1)).toEqual([429]);
    await next.stop();
  });
});

test("a place that cannot be written to is told of, and the gateway ends well", async () => {
  const gateway = await start(join(folder, "nowhere", "limits.snapshot"));
  await statuses(gateway, 1);
  await gateway.stop();
  expect(told(gateway)).toEqual([
    expect.stringMatching(/cannot be written \(.*ENOENT.*limits will count from zero\. Name a file/),
  ]);
});

test("snapshot.config.ts: the file stands beside the config", async () => {
  const source = readFileSync(resolve(import.meta.dir, "../../examples/limits/snapshot.config.ts"), "utf8");
  const gateway = await startGateway(source.replace("port: 8080", "port: 0"), { env: { ORDERS: origin.url } });
  expect((await exchange(gateway.port, get("/orders/1"))).status).toBe(200);
  gateway.signal("SIGTERM");
  await until(() => !gateway.alive, "its end");
  expect(statSync(join(gateway.folder, "limits.snapshot")).size).toBe(32 + 64 + 32);
  await gateway.stop();
});
