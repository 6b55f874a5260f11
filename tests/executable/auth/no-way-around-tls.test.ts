// No request reaches a protected upstream without the right client certificate, whatever it says of certificates.
import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { type Certificate, certificates } from "../../support/certificates.ts";
import { type ClientCertificates, clientCertificates } from "../../support/client-certificates.ts";
import { until } from "../../support/deadline.ts";
import { get } from "../../support/messages.ts";
import { missing } from "../../support/requirements.ts";
import { withGateway } from "../../support/rig.ts";
import { connectSecurely } from "../../support/tls-client.ts";
import { attack, bytesOf } from "./attacks.ts";

const RUNS = 1500;
const AT_ONCE = 25;

const lacks = missing("openssl");
const all = lacks === undefined ? clientCertificates() : (undefined as unknown as ClientCertificates);
const local = lacks === undefined ? certificates().local : (undefined as unknown as Certificate);

/** Those who have no certificate, or the wrong one. */
const strangers = (): readonly (Certificate | undefined)[] => [
  ...[undefined, all.stranger, all.self, all.expired, all.forServers, all.imitated, all.bySubscriber, all.behindChain],
  ...[all.twoNames, all.oneInTheOther, all.slashes, all.lines, all.capitals, all.unicode, all.noSubject],
];

/** What proxies say of the certificates of their clients. */
function claims(): readonly string[] {
  const { raw } = new X509Certificate(all.partner.cert);
  return [
    `Client-Cert: :${raw.toString("base64")}:`,
    `Client_Cert: :${raw.toString("base64")}:`,
    `X-Forwarded-Client-Cert: Subject="CN=acme,O=Acme\\, Inc.,C=DE"`,
    `X-Client-Cert: ${encodeURIComponent(all.partner.cert)}`,
    `SSL-Client-Cert: ${encodeURIComponent(all.partner.cert)}`,
    "X-SSL-Client-Verify: SUCCESS",
    "X-SSL-Client-S-DN: CN=acme,O=Acme\\, Inc.,C=DE",
    "X-Consumer: acme",
  ];
}

withGateway(
  "an upstream behind client certificates",
  {
    origins: { u1: { keep: 20_000 } },
    config: ({ u1 }) => `
import { clientCertificate, defineGateway } from "sluice";

const marked = (name) => ({ request: { set: { "X-Route": name } } });
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0, tls: {
    certificates: { cert: "a.pem", key: "a.key" }, clientCert: "request", clientCa: "ca.pem" } },
  upstreams: { u1: { targets: ["${u1.url}"] } },
  consumers: { good: { groups: ["team"], subjects: { dn: ["CN=acme,O=Acme\\\\, Inc.,C=DE"], cn: ["acme"] } } },
  auth: { dn: clientCertificate(), cn: clientCertificate({ subject: "cn" }) },
  routes: {
    admin: { match: "/admin/*", to: "u1", auth: "dn", allow: { consumers: ["good"] }, headers: marked("admin") },
    team: { match: "/team/*", to: "u1", auth: "cn", allow: { groups: ["team"] }, headers: marked("team") },
    docs: { match: "GET /docs/:id", to: "u1", auth: ["cn", "dn"], allow: { consumers: ["good"] }, cors: { origins: ["*"] }, headers: marked("docs") },
    open: { match: "/open/*", to: "u1", auth: "none", headers: marked("open") },
    api: { match: "/api/*", to: "u1", auth: "none", rewrite: { stripPrefix: "/api" }, headers: marked("open") },
  },
});
`,
    start: lacks === undefined ? { files: { "a.pem": local.cert, "a.key": local.key, "ca.pem": all.ca.cert } } : {},
    needs: ["openssl"],
  },
  (rig) => {
    test("hears of a request with the right one", async () => {
      for (const path of ["/admin/s", "/team/x", "/docs/7"]) {
        const { client, socket } = await connectSecurely(rig.gateway.port, {
          cert: all.partner.cert,
          key: all.partner.key,
        });
        await client.send(get(path));
        expect({ path, status: (await client.receive()).status }).toEqual({ path, status: 200 });
        socket.destroy();
      }
      rig.origins.u1.clear();
    });

    test(`hears of none of ${RUNS} without, whatever they say and whoever's they show`, async () => {
      const said = fc.uniqueArray(fc.constantFrom(...claims()), { minLength: 1, maxLength: 3 });
      const who = fc.constantFrom(...strangers());
      const attacks = fc.sample(fc.tuple(attack, said, who), { numRuns: RUNS, seed: 1 });
      for (let i = 0; i < attacks.length; i += AT_ONCE) {
        await Promise.all(
          attacks.slice(i, i + AT_ONCE).map(async ([each, lines, shown]) => {
            const own = shown === undefined ? {} : { cert: shown.cert, key: shown.key };
            const { client, socket } = await connectSecurely(rig.gateway.port, own);
            await client.send(bytesOf(each, ...lines));
            client.finish();
            await until(() => client.ending !== "open", "the gateway to close");
            socket.destroy();
          }),
        );
      }
      const { requests } = rig.origins.u1;
      const guarded = requests.filter((request) => request.fields.one("x-route") !== "open");
      expect(guarded.map(({ method, target }) => `${method} ${target}`)).toEqual([]);
      const vouched = requests.flatMap(({ fields }) =>
        ["client-cert", "client_cert", "x-forwarded-client-cert", "x-consumer"].filter(
          (name) => fields.one(name) !== undefined,
        ),
      );
      expect(vouched).toEqual([]);
      expect(requests.length).toBeGreaterThan(20);
    }, 60_000);
  },
);
