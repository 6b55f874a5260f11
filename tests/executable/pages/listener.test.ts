// docs/listener.md: its example as it stands, and what it says services see.
import { expect, test } from "bun:test";
import { get } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";
import { exampleText } from "./example.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

withGateway(
  "listener.config.ts behind a proxy of this machine",
  {
    origins: { shop: {} },
    config: ({ shop }) =>
      exampleText("listen/listener.config.ts")
        .replace('host: "::",', "")
        .replace("trustedProxies: [", 'trustedProxies: ["127.0.0.1", ')
        .replace("http://127.0.0.1:9001", shop.url),
  },
  (rig) => {
    const WALKS: readonly [list: string, client: string][] = [
      ["198.51.100.7, 203.0.113.9, 10.0.0.5", "203.0.113.9"],
      ["203.0.113.9", "203.0.113.9"],
      ["10.0.0.8, 10.0.0.5", "10.0.0.8"],
      ["203.0.113.9, unknown, 10.0.0.5", "10.0.0.5"],
    ];
    test.each(WALKS)("X-Forwarded-For: %s is from %s", async (list, client) => {
      expect((await rig.exchange(get("/who", `X-Forwarded-For: ${list}`))).body.text).toBe(client);
    });
  },
);

withGateway(
  "what a service sees of a stranger's request",
  {
    origins: { shop: {} },
    config: ({ shop }) =>
      exampleText("listen/listener.config.ts").replace('host: "::",', "").replace("http://127.0.0.1:9001", shop.url),
  },
  (rig) => {
    test("the gateway's own fields in place of what the client says of itself", async () => {
      const said = [
        ...["X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: other.test"],
        ...["X-Forwarded-Prefix: /x", "X-Request-ID: mine", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4"],
        ...["X-Client-IP: 1.2.3.4", "CF-Connecting-IP: 1.2.3.4", "True-Client-IP: 1.2.3.4", "Client-Cert: :AA==:"],
        ...["X_Forwarded_For: 1.2.3.4", "TE: trailers", "Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: 5"],
        ...["Proxy-Connection: close", "Via: 1.1 cdn", "X-Own: stays", "Authorization: Basic eDp5"],
      ];
      const answer = await rig.exchange(get("/seen", ...said));
      const { fields } = await rig.origins.shop.requestTo("/seen");
      const lines = fields.text.trimEnd().split("\r\n");
      const id = answer.fields.one("x-request-id")!;
      expect(id).toMatch(UUID);
      expect(lines.toSorted()).toEqual(
        [
          `Host: 127.0.0.1:${rig.origins.shop.port}`,
          "Via: 1.1 cdn",
          "X-Own: stays",
          "Authorization: Basic eDp5",
          "X-Forwarded-For: 127.0.0.1",
          "X-Forwarded-Proto: http",
          "X-Forwarded-Host: gw.test",
          `X-Request-ID: ${id}`,
          fields.text.match(/^Via: 1\.1 sluice-\w+$/m)![0],
        ].toSorted(),
      );
    });
  },
);
