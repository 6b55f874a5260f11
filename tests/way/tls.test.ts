// TLS as the gateway sees it: handshakes are bounded, exchanges are https, and the plain port leads there.
import { expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const PEMS = {
  "a.pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
  "a.key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
};
type Tls = NonNullable<NonNullable<GatewayOptions["listen"]>["tls"]>;

const options = (tls: Partial<Tls> | undefined, port = 8443): GatewayOptions =>
  toUpstream(
    { targets: ["http://a.test"] },
    {
      listen: {
        port,
        timeouts: { head: "1000ms", keepAlive: "2000ms" },
        ...(tls && { tls: { certificates: { cert: "a.pem", key: "a.key" }, ...tls } }),
      },
    },
  );
const inTls = (tls: Partial<Tls>, play: (world: World) => void): void => inWorld(options(tls), play, PEMS);

const GET = "GET /x?y=1 HTTP/1.1\r\nHost: shop.test\r\n\r\n";

test("a handshake that does not end is given up after listen.timeouts.head, and not before", () => {
  inTls({}, (world) => {
    world.platform.network.handshakes = false;
    const client = world.client(8443);
    world.advance(999);
    expect(client.ending).toBe("open");
    world.advance(1);
    expect(client.ending).toBe("reset");
    expect(world.records).toEqual([]);
  });
});

test("once it has ended the clock for a first request begins", () => {
  inTls({}, (world) => {
    const client = world.client(8443);
    world.advance(1999);
    expect(client.ending).toBe("open");
    world.advance(1);
    expect(client.ending).toBe("fin");
  });
});

test("targets are told https, and an answer that says nothing of HSTS says what the config does", () => {
  inTls({ hsts: {} }, (world) => {
    const client = world.client(8443);
    client.send(GET);
    world.settle();
    expect(world.a.last.request.fields).toContainEqual(["X-Forwarded-Proto", "https"]);
    world.a.last.answer(200);
    world.settle();
    client.send(GET);
    world.settle();
    world.a.last.answer(200, "", ["Strict-Transport-Security: max-age=7"]);
    world.settle();
    const said = client.answers.map(({ fields }) => fields.find(([name]) => name === "Strict-Transport-Security")?.[1]);
    expect(said).toEqual(["max-age=15552000", "max-age=7"]);
  });
});

test("the plain port leads to https, without the target and without HSTS, and whoever names no host is refused", () => {
  inTls({ hsts: {}, redirectHttp: { port: 8080 } }, (world) => {
    const client = world.client(8080);
    client.send(GET);
    world.settle();
    client.send("GET / HTTP/1.0\r\n\r\n");
    world.settle();
    expect(client.statuses).toEqual([308, 400]);
    expect(client.answers[0]!.fields).toContainEqual(["Location", "https://shop.test:8443/x?y=1"]);
    expect(JSON.stringify(client.answers)).not.toContain("Strict-Transport");
    expect(world.a.requests).toEqual([]);
    expect(world.records.map((record) => record["http.response.status_code"])).toEqual([308, 400]);
  });
});

test("a reload opens the plain port, moves it and closes it; one that cannot open it changes nothing", () => {
  inTls({}, (world) => {
    const refused = (port: number): boolean => {
      const client = world.client(port);
      world.settle();
      return client.ending === "reset";
    };
    expect(refused(8080)).toBe(true);
    world.reload(options({ redirectHttp: { port: 8080 } }));
    expect(refused(8080)).toBe(false);
    world.reload(options({ redirectHttp: { port: 8081 } }));
    expect([refused(8080), refused(8081)]).toEqual([true, false]);
    world.platform.network.serve("0.0.0.0:8082", (end) => end.destroy());
    expect(() => world.prepare(options({ redirectHttp: { port: 8082 } }, 8444))).toThrow("EADDRINUSE");
    expect([refused(8081), refused(8443), refused(8444)]).toEqual([false, false, true]);
    world.reload(options({}));
    expect([refused(8081), refused(8443)]).toEqual([true, false]);
  });
});

test("a handshake that is under way when the gateway drains may end, and the client gets its answer", () => {
  inTls({}, (world) => {
    const { network } = world.platform;
    network.handshakes = false;
    const client = world.client(8443);
    world.settle();
    const [ours] = [...network.open].filter(({ isOurs }) => isOurs);
    void world.gateway.drain();
    world.settle();
    ours!.handler.secured!();
    client.send(GET);
    world.settle();
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
    expect(client.ending).toBe("fin");
  });
});
