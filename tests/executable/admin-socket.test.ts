// The admin listener on a Unix socket: who may connect, whom it replaces, and the verbs that find it.
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";
import { exchange } from "../support/raw-client.ts";
import { cleanUp, folderWith, sluice } from "./cli/run-sluice.ts";

afterAll(cleanUp);

let started: Gateway[] = [];
afterEach(() => {
  for (const gateway of started) if (gateway.alive) gateway.signal("SIGKILL");
  started = [];
});

const config = (socket: string, workers = 1, answer = "one"): string =>
  `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  log: false,
  workers: ${workers},
  admin: { socket: "${socket}" },
  limits: { few: { limit: 5, window: "1h", by: "route" } },
  routes: { all: { match: "/*", limits: "few", answer: { body: "${answer}" } } },
});
`;

async function start(socket: string, workers = 1): Promise<Gateway> {
  const gateway = await startGateway(config(socket, workers));
  started.push(gateway);
  return gateway;
}

const ask = (socket: string, path: string, host = "localhost"): Promise<Response> =>
  fetch(`http://localhost${path}`, { unix: socket, headers: { Host: host, Connection: "close" } });

describe.each([1, 2])("with workers: %i", (workers) => {
  test("only the gateway's user may connect, and the verbs find it", async () => {
    const gateway = await start("admin.sock", workers);
    const socket = join(gateway.folder, "admin.sock");
    expect(gateway.stderr.text).toContain(`sluice: admin on unix:${socket}\n`);
    expect(lstatSync(socket).mode & 0o777).toBe(0o600);
    for (let at = 0; at < 2; at++) await exchange(gateway.port, get("/", "Connection: close"));
    const metrics = readMetrics(await (await ask(socket, "/metrics")).text());
    expect(sumOf(metrics, "http_server_request_duration_seconds_count")).toBe(2);
    expect((await ask(socket, "/metrics", "evil.example")).status).toBe(403);

    const here = { cwd: gateway.folder };
    const top = await sluice(["top", "--json"], here);
    expect([top.code, top.stderr]).toEqual([0, ""]);
    expect(JSON.parse(top.stdout)).toMatchObject({ requests: { total: 2 }, process: { workers } });
    const elsewhere = await sluice(["top", "--json", `--admin=unix:${socket}`], { cwd: folderWith({}) });
    expect([elsewhere.code, elsewhere.stderr]).toEqual([0, ""]);
    const explained = await sluice(["explain", "/"], here);
    expect(explained.stdout).toMatch(/\b3\b/);

    writeFileSync(join(gateway.folder, "gateway.config.ts"), config("admin.sock", workers, "two"));
    expect(await sluice(["reload"], here)).toMatchObject({ code: 0, stderr: "" });
    expect((await exchange(gateway.port, get("/"))).body.text).toBe("two");

    const left = folderWith({ "gateway.config.ts": config(socket) });
    await gateway.stop();
    expect(await sluice(["reload"], { cwd: left })).toMatchObject({
      code: 69,
      stderr: expect.stringContaining(`No gateway answers at unix:${socket}`),
    });
  });
});

test("what a dead process left is replaced, who listens is not, and at the end nothing is left", async () => {
  const socket = join(folderWith({}), "admin.sock");
  const dead = await start(socket);
  dead.signal("SIGKILL");
  await dead.ended();
  expect(lstatSync(socket).isSocket()).toBe(true);

  const gateway = await start(socket);
  expect((await ask(socket, "/livez")).status).toBe(200);
  const second = await sluice(["run"], { cwd: folderWith({ "gateway.config.ts": config(socket) }) });
  expect(second.code).toBe(71);
  expect(second.stderr).toContain(`Cannot listen on ${socket}: another process listens there.`);
  expect(second.stderr).toContain(`ss -lxp src ${socket}`);
  expect((await ask(socket, "/livez")).status).toBe(200);
  await gateway.stop();
  expect(existsSync(socket)).toBe(false);
});

test("of gateways that start at once over what a dead process left, one has the socket and the others say so", async () => {
  const socket = join(folderWith({}), "admin.sock");
  const dead = await start(socket);
  dead.signal("SIGKILL");
  await dead.ended();
  const came = await Promise.allSettled(Array.from({ length: 4 }, () => start(socket)));
  const refused = came.flatMap((each) => (each.status === "rejected" ? String(each.reason) : []));
  expect(refused).toEqual(refused.map(() => expect.stringContaining("another process listens there")));
  expect(refused).toHaveLength(3);
  expect((await ask(socket, "/livez")).status).toBe(200);
});

test("a file that is no socket stays, and a folder that is not there is told", async () => {
  const folder = folderWith({ "gateway.config.ts": config("admin.sock"), "admin.sock": "kept" });
  const taken = await sluice(["run"], { cwd: folder });
  expect(taken.code).toBe(71);
  expect(taken.stderr).toContain("something is there that is no socket");
  expect(readFileSync(join(folder, "admin.sock"), "utf8")).toBe("kept");

  mkdirSync(join(folder, "other"));
  writeFileSync(join(folder, "other", "gateway.config.ts"), config("run/admin.sock"));
  const lost = await sluice(["run"], { cwd: join(folder, "other") });
  expect(lost.code).toBe(71);
  expect(lost.stderr).toContain("its folder is not there");
});
