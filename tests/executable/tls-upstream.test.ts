// TLS towards upstreams, beyond GW-59: client certificates, authorities, breaks, and streams over it.
import { expect, test } from "bun:test";
import { certificates } from "../support/certificates.ts";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const MIB = 1024 * 1024;

withGateway(
  "an upstream over TLS",
  {
    needs: ["openssl"],
    origins: () => {
      const { ca, local, named, strange } = certificates();
      return {
        local: { tls: local },
        named: { tls: named },
        strange: { tls: strange },
        mutual: { tls: { ...local, clientCa: ca.cert } },
        plain: {},
      };
    },
    config: ({ local, named, strange, mutual, plain }) => {
      const { ca, client } = certificates();
      const both = { cert: client.certFile, key: client.keyFile };
      return {
        upstreams: {
          local: { targets: [local.url], tls: { ca: ca.cert } },
          byFile: { targets: [local.url], tls: { ca: ca.certFile } },
          byName: { targets: [`https://localhost:${local.port}`], tls: { ca: ca.cert } },
          named: { targets: [named.url], tls: { ca: ca.cert, serverName: "up.internal.test" } },
          wrongName: { targets: [named.url], tls: { ca: ca.cert, serverName: "other.internal.test" } },
          strange: { targets: [strange.url], tls: { ca: ca.cert, serverName: "up.internal.test" } },
          mutual: { targets: [mutual.url], tls: { ca: ca.cert, ...both } },
          noClient: { targets: [mutual.url], tls: { ca: ca.cert } },
          notTls: { targets: [plain.url.replace("http:", "https:")], tls: { ca: ca.cert } },
        },
        routes: Object.fromEntries(
          ["local", "byFile", "byName", "named", "wrongName", "strange", "mutual", "noClient", "notTls"].map((name) => [
            name,
            { match: `/${name}/*`, to: name },
          ]),
        ),
      };
    },
  },
  (rig) => {
    const good: [name: string, origin: "local" | "named" | "mutual", sni: string | null][] = [
      ["local", "local", null],
      ["byFile", "local", null],
      ["byName", "local", "localhost"],
      ["named", "named", "up.internal.test"],
      ["mutual", "mutual", null],
    ];
    test.each(good)("%s: reached", async (name, origin, sni) => {
      rig.origins[origin].clear();
      const path = ownPath(`/${name}`);
      expect((await rig.exchange(get(path))).body.text).toBe("ok");
      expect(rig.origins[origin].handshakes.map((handshake) => handshake.sni)).toEqual([sni]);
      expect((await rig.origins[origin].requestTo(path)).fields.one("host")).toContain(`:${rig.origins[origin].port}`);
    });

    const bad: [name: string, origin: "named" | "strange" | "mutual" | "plain", code: RegExp][] = [
      ["wrongName", "named", /^tls_certificate_error$/],
      ["strange", "strange", /^tls_certificate_error$/],
      ["noClient", "mutual", /^(tls_|connection_terminated)/],
      ["notTls", "plain", /^(tls_protocol_error|connection_terminated)$/],
    ];
    test.each(bad)("%s: 502, no request is sent, no inside is told", async (name, origin, code) => {
      rig.origins[origin].clear();
      const response = await rig.exchange(request("POST", ownPath(`/${name}`), "secret"));
      expect(response.status).toBe(502);
      expect(problemOf(response).code).toMatch(code);
      expect(response.body.text).not.toMatch(/internal\.test|127\.0\.0\.1|certificate_verify|SSL/i);
      expect(rig.origins[origin].requests.filter((seen) => seen.method === "POST")).toHaveLength(0);
    });

    test("connections are kept", async () => {
      rig.origins.local.clear();
      for (let i = 0; i < 5; i++) await rig.exchange(get(ownPath("/byFile")));
      expect(rig.origins.local.connections.length).toBeLessThanOrEqual(1);
    });

    test("8 MiB pass both ways byte for byte", async () => {
      const path = ownPath("/local");
      const body = Buffer.alloc(8 * MIB);
      for (let i = 0; i < body.length; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, i);
      rig.origins.local.at(path, async (x) => {
        await x.some();
        while ((await x.some()) !== undefined);
        await x.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        await x.send(body);
      });
      using client = await rig.connect();
      await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: ${body.length}\r\n\r\n`);
      await client.send(body, 20_000);
      const response = await client.receive({ timeoutMs: 20_000 });
      expect(Buffer.compare(response.body.content, body)).toBe(0);
      expect((await rig.origins.local.requestTo(path)).body.bytes).toBe(body.length);
    }, 30_000);

    test("a body that only the connection's end delimits, cut without TLS's own goodbye or by RST, is not whole", async () => {
      const path = ownPath("/local");
      rig.origins.local.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\n\r\npart");
        await x.wait(50);
        x.reset();
      });
      const response = await rig.exchange(get(path));
      expect(response.complete).toBe(false);
    });

    test("a client that leaves closes it", async () => {
      const path = ownPath("/local");
      rig.origins.local.at(path, (x) => x.hang());
      const client = await rig.connect();
      await client.send(get(path));
      const { connection } = await until(() => rig.origins.local.requestsTo(path)[0], "the request");
      const left = performance.now();
      client.reset();
      await until(() => connection.ending !== "open", "the close");
      expect(connection.endedAt - left).toBeLessThan(100);
    });
  },
);
