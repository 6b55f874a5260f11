// `retries`: what is sent again after it was sent, when, where to, how often, and with what content.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeTarget } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

/** The longest first pause. */
const PAUSE = 25;
const TWO = ["http://a.test", "http://b.test"];

const retrying = (
  retries: UpstreamOptions["retries"] = {},
  upstream: Partial<UpstreamOptions> = {},
  more: Partial<GatewayOptions> = {},
): GatewayOptions => toUpstream({ targets: TWO, retries, ejection: false, ...upstream }, more);

/** Answers every request with these in turn, the last for ever. */
function answering(target: FakeTarget, ...answers: string[]): void {
  let at = 0;
  target.answerAll(() => answers[Math.min(at++, answers.length - 1)]);
}

const BUSY = answerText("busy", [], 503);
const OK = answerText("ok");

/** How many requests each target got. */
const counts = ({ a, b }: World): [number, number] => [a.requests.length, b.requests.length];

describe("an answer that is to be retried", () => {
  test("is passed over for that of another target, after a pause", () => {
    inWorld(retrying(), (world) => {
      answering(world.a, BUSY);
      answering(world.b, OK);
      const client = world.ask("GET", "/it");
      world.advance(PAUSE);
      expect(client.answer).toMatchObject({ status: 200, body: "ok" });
      expect(counts(world)).toEqual([1, 1]);
      expect(world.record).toMatchObject({ "sluice.attempts": 2, "sluice.target": "http://b.test" });
    });
  });

  test.each(["POST", "PATCH", "PROPFIND"])("is what the client gets of %s, which bears no repetition", (method) => {
    inWorld(retrying(), (world) => {
      answering(world.a, BUSY);
      expect(world.ask(method, "/it", ["Content-Length: 3"], "abc").answer).toMatchObject({
        status: 503,
        body: "busy",
      });
      expect(counts(world)).toEqual([1, 0]);
    });
  });

  test("is what the client gets when its status is not listed", () => {
    inWorld(retrying({ on: [502, "reset"] }), (world) => {
      answering(world.a, BUSY);
      expect(world.ask("GET", "/it").answer.status).toBe(503);
    });
  });

  test("is what the client gets in the end, as it came", () => {
    inWorld(retrying({ attempts: 3 }), (world) => {
      answering(world.a, BUSY);
      answering(world.b, answerText("busy too", ["X-From: b"], 503));
      const client = world.ask("GET", "/it");
      world.advance(200);
      expect(client.answer).toMatchObject({ status: 503, body: "busy" });
      expect(counts(world)).toEqual([2, 1]);
    });
  });

  test("gives its connection back", () => {
    inWorld(retrying(), (world) => {
      answering(world.a, BUSY, OK);
      answering(world.b, OK);
      world.ask("GET", "/it");
      world.advance(PAUSE);
      world.ask("GET", "/again");
      world.ask("GET", "/again");
      expect([world.a.connections.length, world.b.connections.length]).toEqual([1, 1]);
    });
  });

  test("whose content is long is given up, with its connection", () => {
    inWorld(retrying(), (world) => {
      answering(world.a, "HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\nfor");
      answering(world.b, OK);
      const client = world.ask("GET", "/it");
      world.advance(PAUSE);
      expect(client.answer.status).toBe(200);
      expect(world.a.open).toEqual([]);
    });
  });
});

describe("Retry-After", () => {
  test("is waited for when it is short", () => {
    inWorld(retrying(), (world) => {
      answering(world.a, answerText("busy", ["Retry-After: 1"], 503));
      answering(world.b, OK);
      const client = world.ask("GET", "/it");
      world.advance(999);
      expect(counts(world)).toEqual([1, 0]);
      world.advance(PAUSE + 1);
      expect(client.answer.status).toBe(200);
    });
  });

  test.each([
    ["longer than is waited for", {}, {}, "Retry-After: 2"],
    ["longer than the config says", { retryAfter: "500ms" }, {}, "Retry-After: 1"],
    ["longer than there is time", {}, { timeouts: { whole: "900ms" } }, "Retry-After: 1"],
  ] as const)("%s is passed on with its answer", (_, retries, upstream, field) => {
    inWorld(retrying(retries, upstream), (world) => {
      answering(world.a, answerText("busy", [field], 503));
      const client = world.ask("GET", "/it");
      expect(client.answer).toMatchObject({ status: 503, body: "busy" });
      expect(fieldOf(client.answer, "retry-after")).toBe(field.split(" ")[1]!);
      expect(counts(world)).toEqual([1, 0]);
    });
  });
});

describe("failures", () => {
  test.each(["GET", "PUT", "DELETE"])("a fresh connection that breaks: %s goes to another target", (method) => {
    inWorld(retrying(), (world) => {
      const client = world.ask(method, "/it");
      answering(world.b, OK);
      world.a.last.reset();
      world.settle();
      world.advance(PAUSE);
      expect(client.answer.status).toBe(200);
      expect(counts(world)).toEqual([1, 1]);
    });
  });

  test.each([
    ["a reset", (world: World) => world.a.last.reset(), 502],
    ["an end", (world: World) => world.a.last.end(), 502],
    ["an end in the head", (world: World) => (world.a.last.send("HTTP/1.1 2"), world.a.last.end()), 502],
    ["garbage", (world: World) => world.a.last.send("SSH-2.0-OpenSSH\r\n\r\n"), 502],
    ["silence", (world: World) => world.advance(60_000), 504],
  ] as const)("%s: POST is sent once and told %p", (_, fail, status) => {
    inWorld(retrying(), (world) => {
      const client = world.ask("POST", "/it", ["Content-Length: 3"], "abc");
      fail(world);
      world.settle();
      world.advance(1000);
      expect({ statuses: client.statuses, counts: counts(world) }).toEqual({ statuses: [status], counts: [1, 0] });
    });
  });

  test("never after the first byte of an answer was passed on", () => {
    inWorld(retrying(), (world) => {
      const client = world.ask("GET", "/it");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      world.settle();
      world.a.last.end();
      world.settle();
      world.advance(1000);
      expect(client.answer).toMatchObject({ status: 200, complete: false });
      expect(counts(world)).toEqual([1, 0]);
    });
  });

  test("the only target is tried again when it cannot be reached", () => {
    inWorld(retrying({ attempts: 3 }, { targets: ["http://a.test"] }), (world) => {
      world.a.reception = "ECONNREFUSED";
      const client = world.ask("POST", "/it");
      world.a.reception = "accept";
      answering(world.a, OK);
      world.advance(PAUSE);
      expect(client.answer.status).toBe(200);
    });
  });

  test("an attempt may take no longer than perTry; another follows, and the connection of the first is closed", () => {
    inWorld(retrying({ perTry: "300ms" }), (world) => {
      const client = world.ask("GET", "/it");
      answering(world.b, OK);
      world.advance(299);
      expect(counts(world)).toEqual([1, 0]);
      world.advance(1 + PAUSE);
      expect(client.answer.status).toBe(200);
      expect(world.a.open).toEqual([]);
      world.advance(10_000);
      expect(client.statuses).toEqual([200]);
    });
  });

  test("perTry begins when the request is here whole", () => {
    inWorld(retrying({ perTry: "300ms" }), (world) => {
      const client = world.client();
      client.request("PUT", "/it", ["Content-Length: 6"], "abc");
      world.advance(5000);
      client.send("def");
      world.advance(299);
      expect(counts(world)).toEqual([1, 0]);
      answering(world.b, OK);
      world.advance(1 + PAUSE);
      expect({ status: client.answer.status, body: world.b.last.request.body }).toEqual({
        status: 200,
        body: "abcdef",
      });
    });
  });

  test("perTry does not cut what may not be sent again", () => {
    inWorld(retrying({ perTry: "300ms" }), (world) => {
      const client = world.ask("POST", "/it");
      world.advance(5000);
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });

  test("a client that leaves in a pause is not worked for", () => {
    inWorld(retrying({ backoff: { base: "10s", max: "10s" } }), (world) => {
      answering(world.a, BUSY);
      const client = world.ask("GET", "/it");
      client.reset();
      world.advance(20_000);
      expect(counts(world)).toEqual([1, 0]);
      expect(world.record["error.type"]).toBe("client_disconnect");
    });
  });
});

describe("Idempotency-Key", () => {
  const route = (retries: object): Partial<GatewayOptions> => ({ routes: { all: { match: "/*", to: "up", retries } } });

  test.each([
    ["with the key, on a route that says so", ["Idempotency-Key: k1"], { idempotencyKey: true }, 200],
    ["with the key, on a route that does not", ["Idempotency-Key: k1"], {}, 503],
    ["without the key", [], { idempotencyKey: true }, 503],
    ["with an empty one", ["Idempotency-Key:"], { idempotencyKey: true }, 503],
  ] as const)("POST %s", (_, fields, retries, status) => {
    inWorld(retrying({}, {}, route(retries)), (world) => {
      answering(world.a, BUSY);
      answering(world.b, OK);
      const client = world.ask("POST", "/it", [...fields, "Content-Length: 3"], "abc");
      world.advance(PAUSE);
      expect(client.answer.status).toBe(status);
      expect(counts(world)).toEqual(status === 200 ? [1, 1] : [1, 0]);
    });
  });
});

describe("content", () => {
  const size = 20_000;
  const content = Array.from({ length: size / 10 }, (_, i) => `${i}`.padStart(9, ".") + ";").join("");
  const pieces = Array.from({ length: 5 }, (_, i) => content.slice((i * size) / 5, ((i + 1) * size) / 5));
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

  for (const framing of ["length", "chunked"] as const) {
    const head = framing === "length" ? `Content-Length: ${size}` : "Transfer-Encoding: chunked";
    const wire = (text: string): string => (framing === "length" ? text : chunk(text));

    test.each([0, 1, 2, 5])(
      `of known and unknown length is sent again whole (${framing}), answered behind piece %i`,
      (after) => {
        inWorld(retrying(), (world) => {
          const client = world.client();
          client.request("PUT", "/it", [head]);
          world.settle();
          for (const piece of pieces.slice(0, after)) client.send(wire(piece));
          world.settle();
          world.a.last.send(BUSY);
          world.settle();
          world.advance(PAUSE);
          for (const piece of pieces.slice(after)) client.send(wire(piece));
          if (framing === "chunked") client.send("0\r\n\r\n");
          world.settle();
          const { request } = world.b.last;
          expect({ complete: request.complete, same: request.body === content }).toEqual({
            complete: true,
            same: true,
          });
          world.b.last.answer(200, "ok");
          world.settle();
          expect(client.answer.body).toBe("ok");
        });
      },
    );
  }

  test("longer than what is kept is sent once: its announced length tells", () => {
    inWorld(retrying({ replay: "1KiB" }), (world) => {
      const client = world.client();
      client.request("PUT", "/it", [`Content-Length: ${size}`]);
      world.settle();
      client.send(content);
      world.settle();
      world.a.last.send(BUSY);
      world.settle();
      world.advance(1000);
      expect(client.answer).toMatchObject({ status: 503, body: "busy" });
      expect(counts(world)).toEqual([1, 0]);
    });
  });

  test("longer than what is kept is sent once: it has grown too long", () => {
    inWorld(retrying({ replay: "10KiB" }), (world) => {
      const client = world.client();
      client.request("PUT", "/it", ["Transfer-Encoding: chunked"]);
      world.settle();
      for (const piece of pieces) client.send(chunk(piece));
      client.send("0\r\n\r\n");
      world.settle();
      world.a.last.send(BUSY);
      world.settle();
      world.advance(1000);
      expect(client.answer.status).toBe(503);
      expect(counts(world)).toEqual([1, 0]);
    });
  });

  test("a client that breaks off is not retried for", () => {
    inWorld(retrying(), (world) => {
      const client = world.client();
      client.request("PUT", "/it", ["Transfer-Encoding: chunked"], chunk("abc"));
      world.settle();
      client.send("zz\r\n");
      world.settle();
      world.advance(1000);
      expect({ statuses: client.statuses, counts: counts(world) }).toEqual({ statuses: [400], counts: [1, 0] });
    });
  });
});

describe("the budget", () => {
  test("bounds what an outage adds: 100 requests a second, both targets 503, up to four attempts each", () => {
    inWorld(retrying({ attempts: 4 }), (world) => {
      answering(world.a, BUSY);
      answering(world.b, BUSY);
      const requests = 400;
      const clients = Array.from({ length: requests }, () => {
        const client = world.ask("GET", "/it");
        world.advance(10);
        return client;
      });
      world.advance(1000);
      expect(clients.map(({ answer }) => answer.status)).toEqual(clients.map(() => 503));
      const [a, b] = counts(world);
      expect(a + b).toBeLessThan(1.3 * requests);
      expect(a + b).toBeGreaterThan(1.1 * requests);
      const logged = world.records.reduce((sum, record) => sum + record["sluice.attempts"]!, 0);
      expect(logged).toBe(a + b);
    });
  });

  test("is not spent by passing over a target that cannot be reached", () => {
    inWorld(retrying({ budget: { share: 0, min: 0 } }), (world) => {
      world.a.reception = "ECONNREFUSED";
      answering(world.b, OK);
      for (let i = 0; i < 10; i++) expect(world.ask("POST", "/it").statuses).toEqual([200]);
    });
  });

  test("none at all is no retries", () => {
    inWorld(retrying({ budget: { share: 0, min: 0 } }), (world) => {
      answering(world.a, BUSY);
      answering(world.b, BUSY);
      world.ask("GET", "/it");
      world.advance(1000);
      expect(counts(world)).toEqual([1, 0]);
    });
  });
});

describe("a route's retries stand in place of its upstream's", () => {
  test.each([
    ["false is none", false, 1],
    ["what it sets counts", { attempts: 2 }, 2],
    ["what it does not set stays", { retryAfter: "2s" }, 4],
  ] as const)("%s", (_, retries, tries) => {
    const routes = { all: { match: "/*", to: "up", retries } } as const;
    inWorld(retrying({ attempts: 4 }, {}, { routes }), (world) => {
      answering(world.a, BUSY);
      answering(world.b, BUSY);
      world.ask("GET", "/it");
      world.advance(1000);
      const [a, b] = counts(world);
      expect(a + b).toBe(tries);
    });
  });
});

test("attempts go to another target each, and then to where it was longest ago", () => {
  const targets = ["http://a.test", "http://b.test", "http://c.test"];
  inWorld(retrying({ attempts: 6, budget: { min: 10 } }, { targets }), (world) => {
    for (const target of Object.values(world.targets)) answering(target, BUSY);
    world.ask("GET", "/it");
    world.advance(2000);
    const each = Object.values(world.targets).map((target) => target.requests.length);
    expect(each).toEqual([2, 2, 2]);
  });
});
