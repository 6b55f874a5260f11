// Certificates from a real authority (Pebble), which asks the gateway's own plain port whose hosts they are.
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { AcmeOptions } from "../../src/config/listen/options.ts";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { type Pebble, type PebbleStart, startPebble } from "../support/pebble.ts";
import { connect } from "../support/raw-client.ts";
import { missing, pathOfTool } from "../support/requirements.ts";
import { connectSecurely } from "../support/tls-client.ts";

const lacks = missing("pebble", "openssl");
/** It looks whether the authority has decided once a second, as real ones want it. */
const ISSUED_MS = 30_000;

let pebble: Pebble | undefined;
const gateways: Gateway[] = [];
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
  await pebble?.stop();
  pebble = undefined;
});

const begin = async (more: Partial<PebbleStart> = {}): Promise<{ pebble: Pebble; plain: number }> => {
  const plain = closedPort();
  pebble = await startPebble({ httpPort: plain, ...more });
  return { pebble, plain };
};

const routes = { all: { match: "/*", answer: { body: "hello" } } } as const;

/** A gateway that gets its certificates from Pebble, and keeps them beside its config. */
async function start(
  { pebble, plain }: { pebble: Pebble; plain: number },
  acme: Partial<AcmeOptions> = {},
  more: Omit<GatewayOptions, "routes" | "listen"> = {},
): Promise<Gateway> {
  const { directory, ca } = pebble;
  const written: AcmeOptions = { domains: ["a.test"], agreeToTerms: true, directory, ca, storage: "state", ...acme };
  const config = { ...more, listen: { tls: { acme: written, redirectHttp: { port: plain } } }, routes };
  const gateway = await startGateway(config);
  gateways.push(gateway);
  return gateway;
}

async function told(gateway: Gateway, words: string, times = 1): Promise<void> {
  const all = new RegExp(words, "g");
  await until(
    () => (gateway.stderr.text.match(all)?.length ?? 0) >= times,
    () => `${words} in ${gateway.stderr.text}`,
    ISSUED_MS,
  );
}

/** The certificate for a name, as openssl sees it. */
function shownFor(name: string, port: number): string {
  const command = [pathOfTool("openssl"), "s_client", "-connect", `127.0.0.1:${port}`, "-servername", name];
  const { stdout, stderr } = Bun.spawnSync(command, { stdin: Buffer.from(""), timeout: 5000 });
  return `${stdout.toString()}${stderr.toString()}`;
}

function folderOf({ directory }: Pebble): string {
  return `${new URL(directory).host.replace(":", "-")}-dir`;
}

describe.skipIf(lacks !== undefined)(`ACME${lacks === undefined ? "" : `: ${lacks}`}`, () => {
  test.each([1, 3])(
    "with %i workers each host name gets its certificate, and until then its handshakes fail",
    async (workers) => {
      const world = await begin();
      const gateway = await start(world, { domains: ["a.test", "b.test"] }, { workers, admin: { port: 0 } });
      const { port } = gateway;
      expect(shownFor("a.test", port)).toContain("alert internal error");
      await told(gateway, "certificate obtained", 2);
      // Each worker has it.
      for (let i = 0; i < 12; i++) {
        for (const name of ["a.test", "b.test"]) expect(shownFor(name, port)).toContain(`subject=CN = ${name}`);
      }
      const { client, socket } = await connectSecurely(port, { servername: "b.test" });
      await client.send(get("/"));
      expect((await client.receive()).body.text).toBe("hello");
      socket.destroy();
      const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
      expect(metrics).toContain('sluice_acme_orders_total{result="success"} 2');
      expect(metrics).toMatch(/sluice_tls_cert_not_after_timestamp_seconds\{name="b\.test"\} \d{10}\n/);
      expect(metrics).toMatch(/sluice_acme_next_timestamp_seconds\{domain="a\.test"\} \d{10}\n/);
      for (const name of ["a.test.pem", "account.json", "records.json"]) {
        const path = join(gateway.folder, "state", folderOf(world.pebble), name);
        expect(statSync(path).mode & 0o777).toBe(0o600);
      }
      expect(statSync(join(gateway.folder, "state")).mode & 0o777).toBe(0o700);
    },
    2 * ISSUED_MS,
  );

  test.each([1, 2])("with %i workers the gateway is at no moment ready without its certificate", async (workers) => {
    const directory = `https://127.0.0.1:${closedPort()}/dir`;
    const acme: AcmeOptions = { domains: ["a.test"], agreeToTerms: true, directory, storage: "state" };
    const admin = closedPort();
    const config = {
      workers,
      admin: { port: admin },
      listen: { tls: { acme, redirectHttp: { port: closedPort() } } },
      routes,
    };
    const asked: number[] = [];
    let isOver = false;
    const ask = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${admin}/readyz`, { keepalive: false }).catch(() => undefined);
      if (answer !== undefined) asked.push(answer.status);
      return isOver;
    };
    const asking = until(ask, "the end of the asking", ISSUED_MS);
    const gateway = await startGateway(config);
    gateways.push(gateway);
    const before = asked.length;
    // From before it listens until it has been asked some times more.
    await until(() => asked.length > before + 20, "answers");
    isOver = true;
    await asking;
    expect(new Set(asked)).toEqual(new Set([503]));
  });

  test(
    "readiness waits for the certificate, and names what it waits for",
    async () => {
      const world = await begin();
      // Nobody is at the port that the authority asks.
      const gateway = await start({ ...world, plain: closedPort() }, {}, { admin: { port: 0 } });
      const readyz = await fetch(`http://127.0.0.1:${gateway.adminPort}/readyz`);
      expect([readyz.status, await readyz.json()]).toEqual([503, { ready: false, unready: ["listen.tls.acme"] }]);
      await told(gateway, "error: listen.tls.acme: a.test: no certificate: .*could not see that the host is ours");
      await told(gateway, "connection refused|Connection refused");
    },
    ISSUED_MS,
  );

  test("beside certificates from files a host name that awaits its own gets none of theirs", async () => {
    const { local } = certificates();
    const port = closedPort();
    const gateway = await startGateway({
      listen: {
        tls: {
          certificates: { cert: local.cert, key: local.key },
          acme: {
            domains: ["a.test"],
            agreeToTerms: true,
            directory: `https://127.0.0.1:${port}/dir`,
            storage: "state",
          },
          redirectHttp: { port: closedPort() },
        },
      },
      routes,
    });
    gateways.push(gateway);
    expect(shownFor("localhost", gateway.port)).toContain("subject=CN = local");
    expect(shownFor("strange.test", gateway.port)).toContain("subject=CN = local");
    expect(shownFor("a.test", gateway.port)).toContain("alert internal error");
    await told(gateway, "ECONNREFUSED");
  });

  test(
    "after a restart it is there at once, and the authority is not asked",
    async () => {
      const world = await begin();
      const storage = mkdtempSync(join(tmpdir(), "sluice-acme-"));
      try {
        const first = await start(world, { storage });
        await told(first, "certificate obtained");
        const shown = serialOf(shownFor("a.test", first.port));
        const records = join(storage, folderOf(world.pebble), "records.json");
        // It has looked when to renew, and knows now.
        await until(() => readFileSync(records, "utf8").includes('"look"'), "a look");
        await first.stop();
        const { orders } = world.pebble;
        const second = await start(world, { storage }, { admin: { port: 0 } });
        expect(serialOf(shownFor("a.test", second.port))).toBe(shown);
        const metrics = await (await fetch(`http://127.0.0.1:${second.adminPort}/metrics`)).text();
        const [, next] = /sluice_acme_next_timestamp_seconds\{domain="a\.test"\} (\d+)/.exec(metrics)!;
        expect(Number(next) - Date.now() / 1000).toBeGreaterThan(3600);
        expect(world.pebble.orders).toBe(orders);
        expect(second.stderr.text).not.toContain("obtained");
      } finally {
        rmSync(storage, { recursive: true });
      }
    },
    2 * ISSUED_MS,
  );

  test(
    "of two gateways with one folder one answers for the other, and shows what that one got",
    async () => {
      const world = await begin();
      const storage = mkdtempSync(join(tmpdir(), "sluice-acme-"));
      try {
        // The authority asks the port of the first.
        const first = await start(world, { storage });
        await told(first, "certificate obtained");
        const second = await start({ ...world, plain: closedPort() }, { storage, domains: ["a.test", "b.test"] });
        expect(serialOf(shownFor("a.test", second.port))).toBe(serialOf(shownFor("a.test", first.port)));
        await told(second, "b.test: certificate obtained");
        expect(second.stderr.text).not.toContain("error");
        await first.stop();
      } finally {
        rmSync(storage, { recursive: true });
      }
    },
    2 * ISSUED_MS,
  );

  test(
    "a certificate is renewed while connections go on, and the next handshake gets the new one",
    async () => {
      const world = await begin({ validSeconds: 9 });
      const gateway = await start(world);
      await told(gateway, "certificate obtained");
      const before = serialOf(shownFor("a.test", gateway.port));
      const { client, socket } = await connectSecurely(gateway.port, { servername: "a.test" });
      await told(gateway, "certificate renewed");
      expect(serialOf(shownFor("a.test", gateway.port))).not.toBe(before);
      await client.send(get("/"));
      expect((await client.receive()).body.text).toBe("hello");
      socket.destroy();
    },
    2 * ISSUED_MS,
  );

  test(
    "an external account is bound; without one the authority's wish is told",
    async () => {
      const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
      const world = await begin({ externalAccounts: { "kid-1": key } });
      const without = await start(world);
      await told(without, "write listen.tls.acme.externalAccount");
      await without.stop();
      const { directory, ca } = world.pebble;
      const gateway = await startGateway(
        `import { defineGateway, env } from "sluice";
       export default defineGateway({
         listen: { host: "127.0.0.1", port: 0, tls: { redirectHttp: { port: ${world.plain} }, acme: {
           domains: ["a.test"], agreeToTerms: true, directory: ${JSON.stringify(directory)}, ca: ${JSON.stringify(ca)},
           storage: "state", externalAccount: { kid: "kid-1", hmacKey: env("HMAC") } } } },
         routes: { all: { match: "/*", answer: { body: "hello" } } },
       });`,
        { env: { HMAC: key } },
      );
      gateways.push(gateway);
      await told(gateway, "certificate obtained");
      expect(gateway.stderr.text).not.toContain(key);
    },
    2 * ISSUED_MS,
  );

  test(
    "the plain port answers for nothing but pending tokens: all else goes to https, and an old token too",
    async () => {
      const world = await begin();
      const gateway = await start(world);
      await told(gateway, "certificate obtained");
      const [, token] = /acme-challenge\/([\w-]+)/.exec(world.pebble.output.text) ?? [];
      for (const path of ["/", "/.well-known/acme-challenge/", `/.well-known/acme-challenge/${token ?? "x"}`]) {
        const client = await connect(world.plain);
        await client.send(get(path));
        expect((await client.receive()).status).toBe(308);
        client.close();
      }
    },
    ISSUED_MS,
  );

  test(
    "a reload adds a host name and takes one away",
    async () => {
      const world = await begin();
      const gateway = await start(world, { domains: ["a.test"] });
      await told(gateway, "certificate obtained");
      const config = join(gateway.folder, "gateway.config.ts");
      const text = readFileSync(config, "utf8");
      await Bun.write(config, text.replace('"a.test"', '"b.test"'));
      gateway.signal("SIGHUP");
      await told(gateway, "b.test: certificate obtained");
      expect(shownFor("b.test", gateway.port)).toContain("subject=CN = b.test");
      await Bun.write(config, text);
      gateway.signal("SIGHUP");
      await told(gateway, "reloaded", 2);
      await until(() => shownFor("a.test", gateway.port).includes("subject=CN = a.test"), "the kept certificate");
      expect(gateway.stderr.text.match(/obtained/g)).toHaveLength(2);
    },
    2 * ISSUED_MS,
  );
});

function serialOf(text: string): string {
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text)?.[0] ?? text;
  return Bun.hash(pem).toString();
}
