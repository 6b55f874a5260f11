// docs/upstreams/tls.md: its example as it stands, with certificates of the tests.
import { expect, test } from "bun:test";
import { certificates } from "../../support/certificates.ts";
import { get } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";
import { missing } from "../../support/requirements.ts";
import { exampleText } from "./example.ts";

withGateway(
  "tls.config.ts",
  {
    needs: ["openssl"],
    origins: () => {
      const { ca, named, local } = certificates();
      return { orders: { tls: named }, bank: { tls: { ...local, clientCa: ca.cert } } };
    },
    config: ({ orders, bank }) => {
      const { ca, client } = certificates();
      return exampleText("upstreams/tls.config.ts")
        .replaceAll("certs/internal-ca.pem", ca.certFile)
        .replace("certs/gateway.pem", client.certFile)
        .replace("orders.internal", "up.internal.test")
        .replace("https://127.0.0.1:9443", orders.url)
        .replace("https://127.0.0.1:9444", bank.url);
    },
    start: { env: missing("openssl") === undefined ? { GATEWAY_KEY: certificates().client.key } : {} },
  },
  (rig) => {
    test("a service of an authority of one's own is reached, by the name in its certificate", async () => {
      expect((await rig.exchange(get("/orders/1"))).status).toBe(200);
      expect(rig.origins.orders.handshakes.map(({ sni }) => sni)).toEqual(["up.internal.test"]);
      const { fields } = await rig.origins.orders.requestTo("/orders/1");
      expect(fields.one("host")).toBe(`127.0.0.1:${rig.origins.orders.port}`);
    });

    test("a service that asks for a certificate gets it, and the Host that the config says", async () => {
      expect((await rig.exchange(get("/bank/1"))).status).toBe(200);
      expect((await rig.origins.bank.requestTo("/bank/1")).fields.one("host")).toBe("api.bank.example");
    });
  },
);
