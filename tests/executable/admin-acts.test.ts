// What an operator does over the admin listener of the executable takes effect at once, in every worker.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { exchange } from "../support/raw-client.ts";

let running: Gateway | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** Asks its admin listener: "GET /targets". */
function asking(gateway: Gateway): (question: string, content?: object) => Promise<unknown> {
  return async (question, content) => {
    const [method = "", path = ""] = question.split(" ");
    const body = content && { body: JSON.stringify(content) };
    return (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, { method, ...body })).json();
  };
}

/** The statuses of so many requests, each on a connection of its own: any worker may have it. */
async function statuses({ port }: Gateway, count: number, fields: readonly string[] = []): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push((await exchange(port, get("/", ...fields))).status);
  return all;
}

test.each([1, 2])(
  "with %i workers a caller whose limit is reset begins anew, and nobody else does",
  async (workers) => {
    const gateway = (running = await startGateway({
      workers,
      admin: { port: 0 },
      limits: {
        each: { limit: 3, window: "1h", by: { header: "x-who" } },
        all: { limit: 100, window: "1h", by: "route" },
      },
      routes: { r: { match: "/", answer: { status: 200 }, limits: ["each", "all"] } },
    }));
    const ask = asking(gateway);
    const of = (who: string, count = 4): Promise<number[]> => statuses(gateway, count, [`X-Who: ${who}`]);
    const three = [200, 200, 200, 429];
    expect([await of("ann"), await of("bob")]).toEqual([three, three]);
    const one = { limit: "each", caller: "ann", most: 3 };
    expect(await ask("GET /limits?limit=each&caller=ann")).toEqual({ ...one, left: 0 });
    expect(await ask("POST /limits/reset?limit=each&caller=ann")).toEqual({ limits: [{ ...one, left: 3, before: 0 }] });
    expect([await of("ann"), await of("bob", 1)]).toEqual([three, [429]]);
    expect(await ask("GET /limits?limit=all&caller=r")).toMatchObject({ left: 91 });
    expect(await ask("POST /limits/reset?caller=r")).toMatchObject({
      limits: [{ left: 3 }, { left: 100, before: 91 }],
    });
  },
);

test.each([1, 2])(
  "with %i workers a revoked key is good for nothing, also after a reload, until it is restored",
  async (workers) => {
    const hash = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
    const config = `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${workers},
  admin: { port: 0 },
  consumers: { acme: { keys: [
    { id: "ci", hash: "${hash("acme-1")}" },
    "${hash("acme-2")}",
  ] } },
  keys: { file: "keys.yaml" },
  auth: { key: apiKey() },
  routes: { r: { match: "/", answer: { status: 200 }, auth: "key" } },
});
`;
    const file = `consumers:\n  beta:\n    keys:\n      - "${hash("beta-1")}"\n`;
    const gateway = (running = await startGateway(config, { files: { "keys.yaml": file } }));
    const ask = asking(gateway);
    const of = (key: string): Promise<number[]> => statuses(gateway, 4, [`X-API-Key: ${key}`]);
    const [good, bad] = [Array(4).fill(200), Array(4).fill(401)];
    expect([await of("acme-1"), await of("acme-2"), await of("beta-1")]).toEqual([good, good, good]);
    const message = expect.stringContaining("take the key out at gateway.config.ts:7");
    const revoked = { id: "ci", consumer: "acme", revokedAt: expect.any(Number), place: "gateway.config.ts:7" };
    expect(await ask("POST /keys/revoke?id=ci")).toEqual({ keys: [revoked], message });
    expect([await of("acme-1"), await of("acme-2"), await of("beta-1")]).toEqual([bad, good, good]);
    expect(await ask("POST /keys/revoke", { key: "beta-1" })).toMatchObject({ keys: [{ consumer: "beta" }] });
    expect(await ask("POST /reload")).toMatchObject({ ok: true });
    expect([await of("acme-1"), await of("acme-2"), await of("beta-1")]).toEqual([bad, good, bad]);
    expect(await ask("GET /keys/revoked")).toMatchObject({ keys: [{ id: "ci" }, { consumer: "beta" }] });
    expect(await ask("POST /keys/restore?consumer=acme")).toMatchObject({ keys: [{ id: "ci" }] });
    expect([await of("acme-1"), await of("beta-1")]).toEqual([good, bad]);
    expect(gateway.stderr.text).toContain("sluice: warn: the API key ci of acme is revoked: an operator says so\n");
    expect(gateway.stderr.text + gateway.lines.join("")).not.toContain("beta-1");
  },
);

test.each([1, 2])("with %i workers the log level changes in all of them, and a reload leaves it", async (workers) => {
  const gateway = (running = await startGateway({
    workers,
    admin: { port: 0 },
    logLevel: "error",
    upstreams: { up: { targets: ["http://127.0.0.1:9"] } },
    routes: { all: { match: "/*", to: "up" } },
  }));
  const ask = asking(gateway);
  const told = (): string[] => gateway.stderr.text.match(/^sluice: debug: .*$/gm) ?? [];
  await statuses(gateway, 2);
  await ask("POST /targets/drain?upstream=up&target=http://127.0.0.1:9");
  await ask("POST /targets/restore?upstream=up&target=http://127.0.0.1:9");
  expect(gateway.stderr.text).not.toMatch(/debug|drained/);
  expect(await ask("POST /log-level?level=debug")).toEqual({ level: "debug", before: "error" });
  await statuses(gateway, 8);
  const refused =
    /^sluice: debug: [-0-9a-f]{36}: GET \/ from 127\.0\.0\.1; route all; tried .*; 502 connection_refused: /;
  await until(() => told().filter((line) => refused.test(line)).length === 8, "what debug tells");
  expect(told().filter((line) => line.startsWith("sluice: debug: up http://127.0.0.1:9: not connected: "))).not.toEqual(
    [],
  );
  expect(await ask("POST /reload")).toMatchObject({ ok: true });
  expect(await ask("GET /log-level")).toEqual({ level: "debug" });
  expect(await ask("POST /log-level?level=error")).toEqual({ level: "error", before: "debug" });
  const before = gateway.stderr.text;
  await statuses(gateway, 4);
  expect(gateway.stderr.text).toBe(before);
});

test.each([1, 2])(
  "with %i workers a revoked key stays so over a restart, and a broken file of them keeps it from starting",
  async (workers) => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-revoked-"));
    const path = join(folder, "revoked");
    const hash = new Bun.CryptoHasher("sha256").update("acme-1").digest("hex");
    const config = `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${workers},
  admin: { port: 0, revokedKeys: ${JSON.stringify(path)} },
  consumers: { acme: { keys: ["sha256:${hash}"] } },
  auth: { key: apiKey() },
  routes: { r: { match: "/", answer: { status: 200 }, auth: "key" } },
});
`;
    const of = (gateway: Gateway): Promise<number[]> => statuses(gateway, 3, ["X-API-Key: acme-1"]);
    try {
      const first = (running = await startGateway(config));
      expect(await of(first)).toEqual([200, 200, 200]);
      const message = expect.stringContaining(`over restarts: it stands in ${path}`);
      expect(await asking(first)("POST /keys/revoke?consumer=acme")).toMatchObject({ message });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      await first.stop();
      const second = (running = await startGateway(config));
      expect(await of(second)).toEqual([401, 401, 401]);
      expect(await asking(second)("GET /keys/revoked")).toMatchObject({ keys: [{ consumer: "acme" }] });
      await second.stop();
      running = undefined;
      writeFileSync(path, readFileSync(path, "utf8").slice(0, -7));
      const third = await startGateway(config).catch((error: unknown) => String(error));
      expect(third).toMatch(
        /ended with 78: .*admin\.revokedKeys: .*cannot be used: it is no whole file of revoked keys/s,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  30_000,
);
