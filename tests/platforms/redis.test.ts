// The connection to Redis that platforms lend, on Bun and on Deno: one list of promises.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { startRedis, type RedisServer } from "../support/redis.ts";
import { missing } from "../support/requirements.ts";
import { REDIS_PROMISES, type RedisKit } from "./redis-contract.ts";

const ROOT = resolve(import.meta.dir, "../..");
const lack = missing("redis-server", "openssl");

describe.skipIf(lack !== undefined)(`a connection to Redis${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  let redis: RedisServer;
  let kit: RedisKit;
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const onDeno = new Map<string, string>();

  beforeAll(async () => {
    const { ca, otherCa, local } = certificates();
    const tlsPort = closedPort();
    redis = await startRedis({
      settings: [
        ...["--tls-port", String(tlsPort), "--tls-cert-file", local.certFile, "--tls-key-file", local.keyFile],
        ...["--tls-ca-cert-file", ca.certFile, "--tls-auth-clients", "no"],
        ...["--user", "gateway", "on", ">p:/@%word", "~*", "+@all"],
      ],
    });
    const ports = { port: redis.port, tlsPort, closedPort: closedPort(), silentPort: silent.port };
    kit = { ...ports, ca: ca.cert, otherCa: otherCa.cert };
    const folder = mkdtempSync(join(tmpdir(), "sluice-redis-kit-"));
    writeFileSync(join(folder, "kit.json"), JSON.stringify(kit));
    const deno = join(ROOT, "node_modules/.bin/deno");
    const words = ["run", "-A", "--no-check", "tests/platforms/redis-contract.ts", join(folder, "kit.json")];
    const child = Bun.spawn([deno, ...words], { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    for (const line of (await new Response(child.stdout).text()).split("\n")) {
      if (!line.startsWith("{")) continue;
      const { name, failure } = JSON.parse(line) as { name: string; failure: string };
      onDeno.set(name, failure);
    }
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
  afterAll(async () => {
    silent.stop(true);
    await redis?.stop();
  });

  for (const [name, holds] of Object.entries(REDIS_PROMISES)) {
    test(`on Bun: ${name}`, () => holds(bunPlatform().redis!, kit));
    test(`on Deno: ${name}`, () => expect(onDeno.get(name) ?? "it did not run").toBe(""));
  }
});
