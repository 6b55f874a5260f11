// HTTP/2 to upstreams, against a server of node:http2.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { certificates } from "../support/certificates.ts";
import { until } from "../support/deadline.ts";
import { type DnsServer, startDnsServer } from "../support/dns-server.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { missing } from "../support/requirements.ts";

const ADDRESS = "127.0.0.2";
const NAME = "up.internal.test";
const lack = missing("openssl");

/** A request as the server saw it. */
interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly sni: string | undefined;
  body: string;
  readonly stream: ServerHttp2Stream;
}

describe.skipIf(lack !== undefined)(
  `an upstream of protocol h2${lack === undefined ? "" : ` (skipped: ${lack})`}`,
  () => {
    let server: Http2SecureServer;
    let dns: DnsServer;
    let gateway: Gateway;
    let port = 0;
    const seen: Seen[] = [];
    const sockets = new Set<Socket>();

    beforeAll(async () => {
      const { ca, named } = certificates();
      server = createSecureServer({ cert: named.cert, key: named.key });
      server.on("connection", (socket: Socket) => sockets.add(socket));
      server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        const sni = (stream.session?.socket as TLSSocket | undefined)?.servername;
        const each: Seen = { headers, sni: typeof sni === "string" ? sni : undefined, body: "", stream };
        seen.push(each);
        stream.on("error", () => undefined);
        stream.on("data", (bytes: Buffer) => (each.body += bytes.toString("latin1")));
        if (headers[":path"] === "/held") return;
        stream.on("end", () => {
          stream.respond({ ":status": 200, "content-type": "text/plain", "x-two": "2" }, { waitForTrailers: true });
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.end(`${headers[":method"]} ${each.body}`);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
      ({ port } = server.address() as AddressInfo);
      dns = await startDnsServer();
      dns.say(NAME, ADDRESS);
      dns.say("other.internal.test", ADDRESS);
      const upstream = (name: string, more: object = {}): object => ({
        targets: { dns: `https://${name}:${port}`, resolver: [dns.address] },
        protocol: "h2",
        tls: { ca: ca.cert },
        ...more,
      });
      gateway = await startGateway({
        upstreams: { up: upstream(NAME), other: upstream("other.internal.test") } as never,
        routes: { all: { match: "/*", to: "up" }, other: { match: "/other", to: "other" } },
      });
    });
    afterAll(async () => {
      await gateway?.stop();
      for (const socket of sockets) socket.destroy();
      server?.close();
      dns?.stop();
    });

    test("is reached at the address, and asked by the name: TLS verifies it, :authority is it", async () => {
      const { status, body, fields } = await exchange(gateway.port, get("/a?b=1", "X-One: 1"));
      expect([status, body.text, fields.one("x-two")]).toEqual([200, "GET ", "2"]);
      const { headers, sni } = seen.at(-1)!;
      expect(sni).toBe(NAME);
      expect(headers[":authority"]).toBe(`${NAME}:${port}`);
      expect([headers[":method"], headers[":path"], headers["x-one"]]).toEqual(["GET", "/a?b=1", "1"]);
      await until(() => gateway.lines.length > 0, "the record");
      expect(gateway.log[0]!["sluice.target"]).toBe(`https://${ADDRESS}:${port}`);
    });

    test("whose certificate is for another name gets no request", async () => {
      const { length } = seen;
      const refused = await exchange(gateway.port, request("POST", "/other", "secret"));
      expect([refused.status, problemOf(refused).code]).toEqual([502, "tls_certificate_error"]);
      expect(seen).toHaveLength(length);
    });

    test("gets content whole, and the field TE: trailers does not come through", async () => {
      const { body } = await exchange(gateway.port, request("POST", "/post", "x".repeat(100_000), "TE: trailers"));
      expect(body.text).toBe(`POST ${"x".repeat(100_000)}`);
      expect(seen.at(-1)!.headers["te"]).toBeUndefined();
    });

    test("streams both ways at once", async () => {
      const client = await connect(gateway.port);
      await client.send("POST /held HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
      const { stream } = await until(() => seen.find(({ body }) => body === "one"), "the first piece");
      stream.respond({ ":status": 200 });
      stream.write("first");
      await until(() => client.reader.raw.toString("latin1").includes("first"), "the first piece of the answer");
      await client.send("3\r\ntwo\r\n0\r\n\r\n");
      await until(() => seen.at(-1)!.body === "onetwo", "the second piece");
      stream.end("last");
      expect((await client.receive()).body.text).toBe("firstlast");
      client.close();
    });

    test("keeps the trailers of its answers", async () => {
      const answer = await exchange(gateway.port, get("/trailers"));
      expect(answer.complete).toBe(true);
      expect(answer.trailers.one("grpc-status")).toBe("0");
    });

    test("serves many requests on one connection", async () => {
      const { size } = sockets;
      await Promise.all(Array.from({ length: 50 }, (_, i) => exchange(gateway.port, get(`/many/${i}`))));
      expect(sockets.size).toBe(size);
    });

    test("learns at once of a client that leaves", async () => {
      const before = seen.length;
      const client = await connect(gateway.port);
      await client.send(get("/held"));
      const { stream } = await until(() => seen[before], "the request");
      client.close();
      await until(() => stream.closed, "the stream to be closed");
      expect(stream.rstCode).toBe(8);
    });
  },
);

test("a client that speaks HTTP/2 without TLS is told that nobody understands it, where `h2c` is not set", async () => {
  const gateway = await startGateway({ routes: { all: { match: "/*", answer: {} } } });
  try {
    const client = await connect(gateway.port);
    await client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const answer = await client.receive();
    expect([answer.status, problemOf(answer).code]).toEqual([505, "version_not_supported"]);
    client.close();
  } finally {
    await gateway.stop();
  }
});
