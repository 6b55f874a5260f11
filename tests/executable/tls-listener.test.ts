// TLS on the listener of the running executable: who gets which certificate, what is refused, and what a reload changes.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { SignJWT } from "jose";
import { certificates } from "../support/certificates.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Config, type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { missing, pathOfTool } from "../support/requirements.ts";
import { connectSecurely } from "../support/tls-client.ts";

const lacks = missing("openssl");
const routes = { all: { match: "/*", answer: { body: "hello" } } } as const;
const gateways: Gateway[] = [];

/** A gateway with these options of TLS; `shown.pem` and `other.pem` with their keys lie beside its config. */
async function start(tls: object = {}, more: object = {}): Promise<Gateway> {
  const { local, named } = certificates();
  const files = { "shown.pem": local.cert, "shown.key": local.key, "other.pem": named.cert, "other.key": named.key };
  const listed = [
    { cert: "shown.pem", key: "shown.key" },
    { cert: "other.pem", key: "other.key" },
  ];
  const config = { listen: { tls: { certificates: listed, ...tls }, ...more }, routes };
  const gateway = await startGateway(config as Config, { files });
  gateways.push(gateway);
  return gateway;
}

async function bodyOf(port: number, options: object = {}): Promise<string> {
  const { client, socket } = await connectSecurely(port, options);
  await client.send(get("/"));
  const { body } = await client.receive();
  socket.destroy();
  return body.text;
}

/** What `openssl s_client` says of a handshake. */
function sClient(port: number, ...words: string[]): string {
  const command = [pathOfTool("openssl"), "s_client", "-connect", `127.0.0.1:${port}`, ...words];
  const { stdout, stderr } = Bun.spawnSync(command, { stdin: Buffer.from(""), timeout: 5000 });
  return `${stdout.toString()}${stderr.toString()}`;
}

afterAll(() => Promise.all(gateways.map((gateway) => gateway.stop())));

describe.skipIf(lacks !== undefined)(`TLS on the listener${lacks === undefined ? "" : `: ${lacks}`}`, () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await start({}, { timeouts: { head: "1s" } });
  });

  test.each([
    ["the name of the second", "up.internal.test", "named"],
    ["the same in capitals", "UP.internal.TEST", "named"],
    ["the name of the first", "localhost", "local"],
    ["a name that nobody has", "other.test", "local"],
    ["no name", "", "local"],
  ])("who asks for %s gets its certificate, or the first", async (_, servername, shown) => {
    const connection = await connectSecurely(gateway.port, { servername });
    connection.socket.destroy();
    expect(connection.shown).toBe(shown);
  });

  test("an exchange over TLS has the scheme https", async () => {
    expect(await bodyOf(gateway.port)).toBe("hello");
    await until(() => gateway.log.length > 0, "a record");
    expect(gateway.log.at(-1)!["url.scheme"]).toBe("https");
  });

  test.each([
    ["-tls1", "alert protocol version"],
    ["-tls1_1", "alert protocol version"],
    ["-tls1_2", "TLSv1.2, Cipher is ECDHE-"],
    ["-tls1_3", "TLSv1.3, Cipher is TLS_"],
  ])("%s: %s", (version, words) => {
    expect(sClient(gateway.port, version, "-cipher", "ALL:@SECLEVEL=0")).toContain(words);
  });

  test.each([
    ["h2,http/1.1", "ALPN protocol: h2"],
    ["http/1.1,h2", "ALPN protocol: h2"],
    ["http/1.1", "ALPN protocol: http/1.1"],
    ["h3", "alert no application protocol"],
  ])(
    "of the protocols %s that a client offers HTTP/2 is chosen before HTTP/1.1, whichever certificate is meant",
    (offer, words) => {
      for (const name of [["-noservername"], ["-servername", "up.internal.test"]]) {
        expect(sClient(gateway.port, "-alpn", offer, ...name)).toContain(words);
      }
    },
  );

  test("a request in plain HTTP, and bytes that are no TLS, close the connection and harm nobody", async () => {
    for (const bytes of ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", `\x16\x03\x01\x40\x00${"\xff".repeat(20_000)}`, "\0"]) {
      const client = await connect(gateway.port);
      await client.send(bytes);
      await until(() => client.ending !== "open", "the gateway to close");
      expect(client.reader.unread).toBeLessThan(8);
    }
    expect(await bodyOf(gateway.port)).toBe("hello");
  });

  test("a client that never speaks is closed when a head would have had to be there", async () => {
    const client = await connect(gateway.port);
    const began = performance.now();
    await until(() => client.ending !== "open", "the gateway to close");
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  test("a connection that ends well ends with close_notify", async () => {
    const { client, socket } = await connectSecurely(gateway.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect((await client.receive()).body.text).toBe("hello");
    await until(() => client.ending !== "open", "the gateway to close");
    expect(client.ending).toBe("fin");
    socket.destroy();
  });

  test("1.3 as the oldest version refuses 1.2, whichever certificate is meant", async () => {
    const { port } = await start({ minVersion: "1.3" });
    for (const name of [["-noservername"], ["-servername", "up.internal.test"]]) {
      expect(sClient(port, "-tls1_2", ...name)).toContain("alert protocol version");
      expect(sClient(port, "-tls1_3", ...name)).toContain("TLSv1.3, Cipher is TLS_");
    }
  });

  test("a client certificate that is required breaks the handshake of who has none, and of a stranger's", async () => {
    const { ca, client, strange } = certificates();
    const { port } = await start({ clientCert: "require", clientCa: ca.cert });
    for (const servername of ["", "up.internal.test"]) {
      expect(await bodyOf(port, { servername, cert: client.cert, key: client.key })).toBe("hello");
      for (const shown of [{}, { cert: strange.cert, key: strange.key }]) {
        const answer = bodyOf(port, { servername, ...shown });
        expect(
          await answer.then(
            (body) => body,
            () => "refused",
          ),
        ).not.toBe("hello");
      }
    }
  });

  test("a client certificate that is only asked for may be missing", async () => {
    const { ca, client } = certificates();
    const { port } = await start({ clientCert: "request", clientCa: ca.cert });
    expect(await bodyOf(port)).toBe("hello");
    expect(await bodyOf(port, { cert: client.cert, key: client.key })).toBe("hello");
  });

  test("a reload puts other certificates in place, under load, and nobody is refused", async () => {
    const turning = await start();
    const { folder, port } = turning;
    const put = (name: "local" | "named"): void => {
      const from = certificates()[name];
      copyFileSync(from.certFile, join(folder, "shown.pem"));
      copyFileSync(from.keyFile, join(folder, "shown.key"));
    };
    let running = true;
    const shown = new Set<string>();
    const failures: unknown[] = [];
    let answered = 0;
    const kept = await connectSecurely(port);
    const load = Array.from({ length: 4 }, async () => {
      while (running) {
        try {
          const connection = await connectSecurely(port, { servername: "" });
          shown.add(connection.shown);
          await connection.client.send(get("/"));
          if ((await connection.client.receive()).body.text === "hello") answered++;
          connection.socket.destroy();
        } catch (failure) {
          failures.push(failure);
        }
      }
    });
    for (const name of ["named", "local", "named", "local", "named"] as const) {
      put(name);
      const before = answered;
      const told = turning.stderr.text.length;
      turning.signal("SIGHUP");
      await until(() => turning.stderr.text.slice(told).includes("reloaded"), "the reload");
      await until(() => answered > before + 20, "answers");
    }
    running = false;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect([...shown].toSorted()).toEqual(["local", "named"]);
    await kept.client.send(get("/"));
    expect((await kept.client.receive()).body.text).toBe("hello");
    kept.socket.destroy();
    const last = await connectSecurely(port, { servername: "" });
    last.socket.destroy();
    expect(last.shown).toBe("named");
  });

  test("certificates whose files change are shown, without a reload; a key of another one changes nothing", async () => {
    const turning = await start();
    const shown = async (): Promise<string> => {
      const connection = await connectSecurely(turning.port, { servername: "" });
      connection.socket.destroy();
      return connection.shown;
    };
    const { local, named } = certificates();
    expect(await shown()).toBe("local");
    copyFileSync(named.certFile, join(turning.folder, "shown.pem"));
    await until(() => turning.stderr.text.includes("cannot be taken"), "what is told of a pair that is none", 10_000);
    expect(turning.stderr.text).toContain("is not the private key of");
    expect(await shown()).toBe("local");
    copyFileSync(named.keyFile, join(turning.folder, "shown.key"));
    await until(() => turning.stderr.text.includes("shown from now on"), "the new certificate", 10_000);
    expect(await shown()).toBe("named");
    // The next change counts from there.
    copyFileSync(local.certFile, join(turning.folder, "shown.pem"));
    copyFileSync(local.keyFile, join(turning.folder, "shown.key"));
    await until(async () => (await shown()) === "local", "the old one again", 10_000);
  });

  test("the plain port leads to https, and answers over TLS say that browsers are to come by it", async () => {
    const plainPort = closedPort();
    const { port } = await start({ redirectHttp: { port: plainPort, to: 443 }, hsts: { includeSubDomains: true } });
    const sent = await exchange(plainPort, "GET /a/../b%20c?x=1 HTTP/1.1\r\nHost: Shop.test:8080\r\n\r\n");
    expect(sent.status).toBe(308);
    expect(sent.fields.one("location")).toBe("https://shop.test/b%20c?x=1");
    expect(sent.fields.one("strict-transport-security")).toBeUndefined();
    const { client, socket } = await connectSecurely(port);
    await client.send(get("/"));
    const answer = await client.receive();
    expect(answer.fields.one("strict-transport-security")).toBe("max-age=15552000; includeSubDomains");
    socket.destroy();
  });

  test("a token that is bound to a client certificate is taken from who shows it, also on a connection that is kept", async () => {
    const { ca, client, local } = certificates();
    const own = { cert: client.cert, key: client.key };
    const secret = "a secret that is long enough for HS256";
    const hash = new Bun.CryptoHasher("sha256").update(new X509Certificate(client.cert).raw).digest("base64url");
    const tokenOf = (thumbprint: string): Promise<string> =>
      new SignJWT({ sub: "acme", cnf: { "x5t#S256": thumbprint } })
        .setProtectedHeader({ alg: "HS256" })
        .setIssuer("https://id.test")
        .setAudience("api")
        .setExpirationTime("5m")
        .sign(new TextEncoder().encode(secret));
    const gateway = await startGateway(
      `import { defineGateway, env, jwt } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0, tls: {
    certificates: { cert: "shown.pem", key: "shown.key" }, clientCert: "request", clientCa: "ca.pem" } },
  auth: { token: jwt({ issuer: "https://id.test", audience: "api", secret: env("SECRET"), algorithms: ["HS256"] }) },
  routes: { all: { match: "/*", answer: { body: "hello" }, auth: "token" } },
});
`,
      { env: { SECRET: secret }, files: { "shown.pem": local.cert, "shown.key": local.key, "ca.pem": ca.cert } },
    );
    gateways.push(gateway);
    const statuses = async (options: object, thumbprint: string): Promise<number[]> => {
      const { client, socket } = await connectSecurely(gateway.port, options);
      const found: number[] = [];
      for (let i = 0; i < 2; i++) {
        await client.send(get("/", `Authorization: Bearer ${await tokenOf(thumbprint)}`));
        found.push((await client.receive()).status);
      }
      socket.destroy();
      return found;
    };
    expect(await statuses(own, hash)).toEqual([200, 200]);
    expect(await statuses({}, hash)).toEqual([401, 401]);
    expect(
      await statuses(
        own,
        hash.replace(/^./, (first) => (first === "a" ? "b" : "a")),
      ),
    ).toEqual([401, 401]);
  });
});
