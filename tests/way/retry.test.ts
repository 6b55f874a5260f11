// What is sent again and what is not (GW-19): each method, on a fresh and on a reused connection, broken at each moment.
import { describe, expect, test } from "bun:test";
import type { FakeClient, FakeTarget, FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY", "POST", "PATCH", "PROPFIND"] as const;
/** Those that bear repetition. */
const REPEATABLE: readonly string[] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"];

/** What the request carries. `bytes` come with the head, `stream` behind it. */
const CONTENTS = ["none", "bytes", "stream"] as const;
type Content = (typeof CONTENTS)[number];

/** How the connection breaks, once the request has come. */
const BREAKS: Readonly<Record<string, (connection: FakeTargetConnection, world: World) => void>> = {
  "FIN before a byte of the answer": (connection) => connection.end(),
  "reset before a byte of the answer": (connection) => connection.reset(),
  "FIN in the answer's head": (connection) => {
    connection.send("HTTP/1.1 200");
    connection.end();
  },
  "FIN behind an interim answer": (connection) => {
    connection.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    connection.end();
  },
  "FIN in the answer's content": (connection, world) => {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    // A reset takes back what the client has not read.
    world.settle();
    connection.end();
  },
  "an answer that is none": (connection) => connection.send("SSH-2.0-OpenSSH\r\n\r\n"),
};

function sendRequest(world: World, client: FakeClient, method: string, content: Content): void {
  const fields = content === "none" ? [] : ["Content-Length: 3"];
  client.request(method, "/it", fields, content === "bytes" ? "abc" : "");
  world.settle();
  if (content === "stream") client.send("abc");
  world.settle();
}

/** Requests for `/it` that a target has received, whole or in part. */
const received = (target: FakeTarget): number => target.requests.filter((request) => request.target === "/it").length;

/** A world with one connection to `a` that has served, if it is to be reused. */
function begin(world: World, reused: boolean): FakeClient {
  const client = world.client();
  if (reused) {
    client.request("GET", "/before");
    world.settle();
    world.a.last.answer(200);
    world.settle();
    client.received = "";
    client.methods.length = 0;
  }
  return client;
}

describe.each(Object.entries(BREAKS))("the connection breaks with %s", (how, breakOff) => {
  const beforeAnswer = how.includes("before a byte");
  const inContent = how.includes("content");

  test.each(METHODS.flatMap((method) => CONTENTS.map((content) => [method, content] as const)))(
    "%s with content %s",
    (method, content) => {
      for (const reused of [false, true]) {
        inWorld(toUpstream(), (world) => {
          const client = begin(world, reused);
          sendRequest(world, client, method, content);
          expect(world.a.connections).toHaveLength(1);
          breakOff(world.a.last, world);
          world.settle();

          const again = reused && beforeAnswer && content !== "stream" && REPEATABLE.includes(method);
          expect({ reused, received: received(world.a) }).toEqual({ reused, received: again ? 2 : 1 });
          if (again) {
            world.a.last.answer(200, method === "HEAD" ? "" : "second");
            world.settle();
            expect(client.answer).toMatchObject({ status: 200, complete: true });
            expect(world.a.last.request.body).toBe(content === "none" ? "" : "abc");
          } else if (inContent && method !== "HEAD") {
            expect(client.answer).toMatchObject({ status: 200, body: "abc", complete: false });
            expect(client.ending).toBe("reset");
          } else if (inContent) {
            expect(client.answer).toMatchObject({ status: 200, complete: true });
          } else {
            expect(client.answer).toMatchObject({ status: 502, complete: true });
          }
          const record = world.records.at(-1)!;
          expect(record["sluice.attempts"]).toBe(again ? 2 : 1);
          if (inContent && method !== "HEAD") expect(record["error.type"]).toBe("http_response_incomplete");
        });
      }
    },
  );
});

describe("once more, and not twice", () => {
  test.each(["GET", "PUT"])("%s whose second connection breaks too is 502", (method) => {
    inWorld(toUpstream(), (world) => {
      const client = begin(world, true);
      sendRequest(world, client, method, "bytes");
      world.a.last.reset();
      world.settle();
      world.a.last.reset();
      world.settle();
      expect({ statuses: client.statuses, received: received(world.a) }).toEqual({ statuses: [502], received: 2 });
    });
  });

  test("a target that cannot be reached for the second try is 502", () => {
    inWorld(toUpstream(), (world) => {
      const client = begin(world, true);
      sendRequest(world, client, "GET", "none");
      world.a.reception = "ECONNREFUSED";
      world.a.last.reset();
      world.settle();
      expect(client.statuses).toEqual([502]);
      expect(world.records.at(-1)).toMatchObject({ "error.type": "connection_refused", "sluice.attempts": 2 });
    });
  });

  test.each(METHODS)(
    "%s on a connection whose FIN came while it was idle goes on another, and is sent once",
    (method) => {
      inWorld(toUpstream(), (world) => {
        const client = begin(world, true);
        world.a.last.end();
        world.settle();
        sendRequest(world, client, method, "bytes");
        world.a.last.answer(200);
        world.settle();
        expect({ statuses: client.statuses, received: received(world.a) }).toEqual({ statuses: [200], received: 1 });
        expect(world.records.at(-1)!["sluice.attempts"]).toBe(1);
      });
    },
  );

  for (const how of ["end", "reset"] as const) {
    for (const looksLate of [false, true]) {
      test.each(METHODS.flatMap((method) => CONTENTS.map((content) => [method, content] as const)))(
        `%s with content %s that meets a reused connection on which the ${how} has come, told or not, is answered (late: ${looksLate})`,
        (method, content) => {
          inWorld(toUpstream(), (world) => {
            world.platform.network.looksLate = looksLate;
            world.platform.network.resetOvertakes = false;
            const client = begin(world, true);
            // The request has come first; when it is read, the kernel has the target's end already.
            client.request(
              method,
              "/it",
              content === "none" ? [] : ["Content-Length: 3"],
              content === "bytes" ? "abc" : "",
            );
            world.a.last[how]();
            world.settle();
            if (content === "stream") client.send("abc");
            world.settle();
            world.a.last.answer(200, method === "HEAD" ? "" : "ok");
            world.settle();
            expect(client.statuses).toEqual([200]);
            const whole = world.a.requests.filter(({ target, complete }) => target === "/it" && complete);
            expect(whole.length).toBeLessThanOrEqual(REPEATABLE.includes(method) ? 2 : 1);
          });
        },
      );
    }
  }
});

describe("connecting fails: nothing was sent, so every method may go to the next target", () => {
  const two = toUpstream({ targets: ["http://a.test", "http://b.test"] });
  const three = toUpstream({ targets: ["http://a.test", "http://b.test", "http://c.test"] });
  const four = toUpstream({ targets: ["http://a.test", "http://b.test", "http://c.test", "http://d.test"] });

  test.each(METHODS.flatMap((method) => CONTENTS.map((content) => [method, content] as const)))(
    "%s with content %s",
    (method, content) => {
      inWorld(two, (world) => {
        world.a.reception = "ECONNREFUSED";
        const client = begin(world, false);
        sendRequest(world, client, method, content);
        world.b.last.answer(200);
        world.settle();
        expect({ statuses: client.statuses, received: received(world.b) }).toEqual({ statuses: [200], received: 1 });
        expect(world.b.last.request.body).toBe(content === "none" ? "" : "abc");
        expect(world.record).toMatchObject({ "sluice.attempts": 2, "sluice.target": "http://b.test" });
      });
    },
  );

  test.each([
    ["ECONNREFUSED", 502, "connection_refused"],
    ["ECONNRESET", 502, "connection_terminated"],
    ["ETIMEDOUT", 504, "connection_timeout"],
    ["EHOSTUNREACH", 503, "destination_unavailable"],
    ["ENETUNREACH", 503, "destination_unavailable"],
    ["ENOTFOUND", 502, "dns_error"],
    ["EAI_AGAIN", 502, "dns_error"],
    ["EMFILE", 503, "connection_limit_reached"],
    ["EPROTO", 502, "tls_protocol_error"],
    ["CERT_HAS_EXPIRED", 502, "tls_certificate_error"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", 502, "tls_certificate_error"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", 502, "tls_certificate_error"],
    ["EUNHEARDOF", 502, "connection_refused"],
  ])("%s everywhere is %i", (code, status, error) => {
    inWorld(two, (world) => {
      world.a.reception = code;
      world.b.reception = code;
      const client = world.ask("POST", "/it");
      expect(client.statuses).toEqual([status]);
      expect(client.received).not.toContain('.test"');
      expect(world.record).toMatchObject({ "error.type": error, "sluice.attempts": 2 });
    });
  });

  test.each([
    ["at the same moment", 1, 1],
    ["of unequal weight", 3, 1],
  ])("requests %s all find the target that is up", (_, heavy, light) => {
    const targets = [
      { url: "http://a.test", weight: heavy },
      { url: "http://b.test", weight: light },
      { url: "http://c.test", weight: 0 },
    ];
    inWorld(toUpstream({ targets }), (world) => {
      world.a.reception = "ECONNREFUSED";
      const clients = Array.from({ length: 8 }, () => {
        const client = world.client();
        client.request("POST", "/it", [], "");
        return client;
      });
      world.settle();
      for (const connection of world.b.connections) connection.answer(200);
      world.settle();
      expect(clients.flatMap(({ statuses }) => statuses)).toEqual(clients.map(() => 200));
      // Of the heavy one so many attempts failed that it is ejected, and yet each request finds the other.
      expect(world.platform.notices.splice(0)).toHaveLength(heavy === 1 ? 0 : 1);
    });
  });

  test("a second try takes nobody's turn: one dead target of two costs half of the requests a second try, not all", () => {
    inWorld(two, (world) => {
      world.a.reception = "ECONNREFUSED";
      const client = world.client();
      for (let i = 0; i < 6; i++) {
        client.request("GET", "/it");
        world.settle();
        world.b.last.answer(200);
        world.settle();
      }
      expect(client.statuses).toEqual([200, 200, 200, 200, 200, 200]);
      expect(world.platform.network.attempts.filter((address) => address === "a.test:80")).toHaveLength(3);
    });
  });

  test("as many attempts as there are targets, three at most", () => {
    for (const [options, attempts] of [
      [toUpstream(), 1],
      [two, 2],
      [three, 3],
      [four, 3],
    ] as const) {
      inWorld(options, (world) => {
        for (const target of Object.values(world.targets)) target.reception = "ECONNREFUSED";
        expect(world.ask("GET", "/it").statuses).toEqual([502]);
        expect(world.platform.network.attempts).toHaveLength(attempts);
        expect(new Set(world.platform.network.attempts).size).toBe(attempts);
      });
    }
  });

  test("a target too slow to connect is passed over for the next", () => {
    inWorld(two, (world) => {
      world.a.reception = "hang";
      const client = world.ask("POST", "/it");
      world.advance(5000);
      world.b.last.answer(200, "from b");
      world.settle();
      expect(client.answer.body).toBe("from b");
    });
  });

  test("a target whose places are all taken is not passed over: it is busy, not broken", () => {
    inWorld(
      toUpstream({ targets: ["http://a.test", "http://b.test"], connections: { max: 1, maxWaiting: 0 } }),
      (world) => {
        const busy = [world.ask("GET", "/busy"), world.ask("GET", "/busy")];
        expect(world.ask("GET", "/it").statuses).toEqual([503]);
        world.a.last.answer(200);
        world.b.last.answer(200);
        world.settle();
        expect(busy.map(({ statuses }) => statuses)).toEqual([[200], [200]]);
      },
    );
  });
});

test("a request that would pass the gateway twice is refused before it is sent", () => {
  inWorld(toUpstream({ targets: ["http://a.test", "http://b.test"] }), (world) => {
    world.ask("GET", "/first");
    world.a.last.answer(200);
    const via = world.a.last.request.fields.find(([name]) => name === "Via")![1];
    const client = world.ask("POST", "/it", [`Via: ${via}`]);
    expect(client.statuses).toEqual([502]);
    expect(received(world.a) + received(world.b)).toBe(0);
    expect(world.records.at(-1)!["error.type"]).toBe("proxy_loop_detected");
  });
});
