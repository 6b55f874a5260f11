// Client certificates as identities on the running executable: who is let in, who only looks like it, and until when.
import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { type Certificate, certificates } from "../../support/certificates.ts";
import { type ClientCertificates, clientCertificates } from "../../support/client-certificates.ts";
import { until } from "../../support/deadline.ts";
import { type Gateway, startGateway } from "../../support/executable.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import type { ReceivedResponse } from "../../support/message-reader.ts";
import { missing, pathOfTool } from "../../support/requirements.ts";
import { withGateway } from "../../support/rig.ts";
import { connectSecurely } from "../../support/tls-client.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/client-certificate.config.ts"), "utf8");
const lacks = missing("openssl");
const all = lacks === undefined ? clientCertificates() : (undefined as unknown as ClientCertificates);
const local = lacks === undefined ? certificates().local : (undefined as unknown as Certificate);

/** Files are read a second after they change. */
const PATIENCE_MS = 20_000;

const shown = ({ cert, key }: Certificate): ConnectionOptions => ({ cert, key });
const derOf = ({ cert }: Certificate): Buffer => new X509Certificate(cert).raw;

/** One request over TLS, and its answer. */
async function ask(port: number, raw: string, options: ConnectionOptions = {}): Promise<ReceivedResponse> {
  const { client, socket } = await connectSecurely(port, options);
  await client.send(raw);
  const answer = await client.receive();
  socket.destroy();
  return answer;
}

withGateway(
  "the example of client certificates",
  {
    origins: { up: {} },
    config: ({ up }) =>
      EXAMPLE.replace("port: 8443", 'port: 0, host: "127.0.0.1"')
        .replace("127.0.0.1:9001", up.authority)
        .replaceAll('"certs/', '"'),
    start:
      lacks === undefined
        ? {
            env: { API_KEY_PEM: local.key },
            files: {
              "api.pem": local.cert,
              "services-ca.pem": all.ca.cert,
              "partners-ca.pem": all.other.cert,
              "clients-ca.pem": all.ca.cert + all.other.cert,
              "clients.crl": all.nobodyRevoked + all.listOfOther,
            },
          }
        : {},
    needs: ["openssl", "curl"],
  },
  (rig) => {
    const asked = (raw: string, who?: Certificate): Promise<ReceivedResponse> =>
      ask(rig.gateway.port, raw, who === undefined ? {} : shown(who));
    const recordOf = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
      until(() => rig.gateway.log.find((record) => record["url.path"] === path), "a record");

    test("knows the same names by two authorities as two callers", async () => {
      for (const [who, consumer] of [
        [all.partner, "billing"],
        [all.imitated, "acme"],
      ] as const) {
        expect((await asked(get("/orders/1"), who)).status).toBe(200);
        const { fields } = rig.origins.up.requests.at(-1)!;
        expect(fields.one("x-consumer")).toBe(consumer);
        expect(fields.one("client-cert")).toBe(`:${derOf(who).toString("base64")}:`);
        expect(fields.one("client-cert-chain")).toBeUndefined();
      }
    });

    test("lets each route say whom it wants", async () => {
      expect((await asked(request("POST", "/refunds", "x"), all.partner)).status).toBe(200);
      expect(problemOf(await asked(request("POST", "/refunds", "x"), all.imitated)).code).toBe("invalid_credentials");
      expect(problemOf(await asked(request("POST", "/refunds", "x"), all.stranger)).code).toBe("access_denied");
      expect(problemOf(await asked(get("/orders/1"), all.stranger)).code).toBe("access_denied");
      expect((await asked(get("/catalogue/1"))).status).toBe(200);
      expect((await asked(get("/catalogue/1"), all.self)).status).toBe(200);
    });

    test("asks for a certificate where none was shown", async () => {
      const refused = await asked(get("/orders/1"));
      expect(problemOf(refused)).toMatchObject({ code: "authentication_required", status: 401 });
      expect(refused.fields.all("www-authenticate")).toEqual([
        'ClientCertificate realm="sluice"',
        'ClientCertificate realm="sluice"',
      ]);
    });

    test.each<[name: keyof ClientCertificates, why: string]>([
      ["self", "UNABLE_TO_GET_CRL"],
      ["expired", "CERT_HAS_EXPIRED"],
      ["forServers", "INVALID_PURPOSE"],
      ["behind", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      ["bySubscriber", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ])("does not take %s for whom it names: %s", async (name, why) => {
      const before = rig.origins.up.requests.length;
      const refused = await asked(get(`/orders/${name}`), all[name] as Certificate);
      expect(problemOf(refused)).toMatchObject({
        code: "invalid_credentials",
        detail: "The client certificate is not accepted.",
      });
      const record = await recordOf(`/orders/${name}`);
      expect(record["sluice.error.detail"]).toEndWith(`the listener does not trust it: ${why}`);
      expect(rig.origins.up.requests.length).toBe(before);
      // On an open route nobody is told of it.
      expect((await asked(get("/catalogue/1"), all[name] as Certificate)).status).toBe(200);
      expect(rig.origins.up.requests.at(-1)!.fields.one("client-cert")).toBeUndefined();
    });

    test("passes no word of a client about a certificate, whether it has one or not", async () => {
      const forged = `:${derOf(all.partner).toString("base64")}:`;
      const lines = ["Client-Cert", "client_cert", "Client.Cert", "Client-Cert-Chain", "X-Forwarded-Client-Cert"];
      const raw = get(
        "/catalogue/1",
        ...lines.map((name) => `${name}: ${forged}`),
        "Connection: Client-Cert",
        "X-Consumer: billing",
      );
      for (const who of [undefined, all.stranger]) {
        expect((await asked(raw, who)).status).toBe(200);
        const { fields } = rig.origins.up.requests.at(-1)!;
        const said = lines.flatMap((name) => fields.all(name));
        expect(said).toEqual(who === undefined ? [] : [`:${derOf(who).toString("base64")}:`]);
        expect(fields.one("x-consumer")).toBeUndefined();
      }
      expect(problemOf(await asked(raw.replace("catalogue", "orders"))).code).toBe("authentication_required");
    });

    test("is spoken to by curl", async () => {
      const url = `https://127.0.0.1:${rig.gateway.port}/orders/1`;
      const curl = (...words: string[]): Promise<string> => {
        const command = [pathOfTool("curl"), "-sk", "-o", "/dev/null", "-w", "%{http_code}", ...words, url];
        return new Response(Bun.spawn(command, { stdout: "pipe" }).stdout).text();
      };
      expect(await curl("--cert", all.partner.certFile, "--key", all.partner.keyFile)).toBe("200");
      expect(await curl("--cert", all.stranger.certFile, "--key", all.stranger.keyFile)).toBe("403");
      expect(await curl()).toBe("401");
    });

    test("asks before an upgrade as before all else", async () => {
      const upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: a",
        "Sec-WebSocket-Version: 13",
      ];
      const before = rig.origins.up.requests.length;
      expect((await asked(get("/orders/ws", ...upgrade))).status).toBe(401);
      expect((await asked(get("/orders/ws", ...upgrade), all.expired)).status).toBe(401);
      expect(rig.origins.up.requests.length).toBe(before);
    });
  },
);

describe.skipIf(lacks !== undefined)(
  `a gateway of client certificates${lacks === undefined ? "" : `: ${lacks}`}`,
  () => {
    const FILES =
      lacks === undefined
        ? { "a.pem": local.cert, "a.key": local.key, "ca.pem": all.ca.cert, "ca.crl": all.nobodyRevoked }
        : {};
    const config = (tls = "", scheme = ""): string => `import { clientCertificate, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0, tls: {
    certificates: { cert: "a.pem", key: "a.key" }, clientCert: "request", clientCa: "ca.pem", ${tls} } },
  consumers: { acme: { subjects: { mtls: ["acme"] } } },
  auth: { mtls: clientCertificate({ subject: "cn", ${scheme} }) },
  routes: { all: { match: "/*", answer: { body: "hello" }, auth: "mtls", allow: { consumers: ["acme"] } } },
});
`;
    const started = async (text: string, run: (gateway: Gateway) => Promise<void>): Promise<void> => {
      const gateway = await startGateway(text, { files: FILES });
      try {
        await run(gateway);
      } finally {
        await gateway.stop();
      }
    };
    const status = async (gateway: Gateway, options: ConnectionOptions): Promise<number> =>
      (await ask(gateway.port, get("/"), options)).status;

    test(
      "takes who brings the authorities between along",
      async () => {
        await started(config().replace('"acme"]', '"behind"]'), async (gateway) => {
          expect(await status(gateway, shown(all.behindChain))).toBe(200);
          expect(await status(gateway, shown(all.behind))).toBe(401);
        });
      },
      PATIENCE_MS,
    );

    test(
      "refuses who was revoked, from the moment on at which the list says so, also on a connection that is kept",
      async () => {
        await started(config('clientCrl: "ca.crl"'), async (gateway) => {
          const { client, socket } = await connectSecurely(gateway.port, shown(all.partner));
          await client.send(get("/"));
          expect((await client.receive()).status).toBe(200);
          expect(await status(gateway, shown(all.partner))).toBe(200);
          writeFileSync(join(gateway.folder, "ca.crl"), all.partnerRevoked);
          await until(() => gateway.stderr.text.includes("clientCrl has changed"), "the list to be read", 10_000);
          await until(() => client.ending !== "open", "the connection to end");
          socket.destroy();
          expect(await status(gateway, shown(all.partner))).toBe(401);
          writeFileSync(join(gateway.folder, "ca.crl"), "no list");
          await until(() => gateway.stderr.text.includes("cannot be taken"), "what is told of nonsense", 10_000);
          expect(await status(gateway, shown(all.partner))).toBe(401);
        });
      },
      PATIENCE_MS,
    );

    test(
      "knows who calls over HTTP/2 as well, and lets that connection go when the list changes",
      async () => {
        await started(config('clientCrl: "ca.crl"'), async (gateway) => {
          const session = http2.connect(`https://127.0.0.1:${gateway.port}`, {
            ...shown(all.partner),
            rejectUnauthorized: false,
          });
          const told: string[] = [];
          for (const event of ["goaway", "close"]) session.on(event, () => told.push(event));
          const asked = (): Promise<number> =>
            new Promise((resolve, reject) => {
              const stream = session.request({ ":path": "/" });
              stream.on("response", (head) => resolve(Number(head[":status"])));
              stream.on("error", reject);
              stream.resume();
              stream.end();
            });
          expect([await asked(), await asked()]).toEqual([200, 200]);
          writeFileSync(join(gateway.folder, "ca.crl"), all.partnerRevoked);
          await until(() => told.includes("close"), "the connection to end", 10_000);
          session.destroy();
        });
      },
      PATIENCE_MS,
    );

    test(
      "refuses everybody when the list has grown too old, or lacks an authority between",
      async () => {
        await started(config('clientCrl: "ca.crl"'), async (gateway) => {
          expect(await status(gateway, shown(all.behindChain))).toBe(401);
          writeFileSync(join(gateway.folder, "ca.crl"), all.oldList);
          await until(() => gateway.stderr.text.includes("clientCrl has changed"), "the list to be read", 10_000);
          expect(await status(gateway, shown(all.partner))).toBe(401);
        });
      },
      PATIENCE_MS,
    );

    test.each(["TLSv1.2", "TLSv1.3"] as const)(
      "lets no session of %s outlive the authority that it was made under",
      async (version) => {
        await started(config(), async (gateway) => {
          let session: Buffer | undefined;
          const options = { ...shown(all.partner), maxVersion: version, servername: "x.test" } as const;
          const first = await connectSecurely(gateway.port, options);
          first.socket.on("session", (made) => (session = made));
          await first.client.send(get("/"));
          expect((await first.client.receive()).status).toBe(200);
          await until(() => session !== undefined, "a session");
          // Resumed, it still is the client that has shown the certificate.
          const resumed = await connectSecurely(gateway.port, { maxVersion: version, servername: "x.test", session });
          expect(resumed.socket.isSessionReused()).toBe(true);
          await resumed.client.send(get("/"));
          expect((await resumed.client.receive()).status).toBe(200);
          writeFileSync(join(gateway.folder, "ca.pem"), all.other.cert);
          gateway.signal("SIGHUP");
          await until(() => gateway.stderr.text.includes("reloaded"), "the reload");
          await until(() => first.client.ending !== "open" && resumed.client.ending !== "open", "connections to end");
          for (const each of [first, resumed]) each.socket.destroy();
          const late = await connectSecurely(gateway.port, { ...options, session });
          expect(late.socket.isSessionReused()).toBe(false);
          await late.client.send(get("/"));
          expect((await late.client.receive()).status).toBe(401);
          late.socket.destroy();
          expect(await status(gateway, shown(all.imitated))).toBe(200);
        });
      },
    );
  },
);
