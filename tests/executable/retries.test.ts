// Retries against origins that misbehave, over real sockets: whatever fails before an answer is made good once, for what
// bears repetition; nothing else is sent twice; and kept connections that went stale cost nobody a request (case GW-19).
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { closedPort } from "../support/closed-port.ts";
import { elapse, until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { answering, type Behaviour, plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { ownPath, withGateway } from "../support/rig.ts";

/** Sends these bytes, and ends the connection so, or not at all. */
function then(end: "finish" | "reset" | "hang", ...pieces: string[]): Behaviour {
  return async (x) => {
    await x.body();
    for (const piece of pieces) {
      await x.send(piece);
      await x.wait(10);
    }
    await x[end]();
  };
}

const HEAD = "HTTP/1.1 200 OK\r\n";

/** A head that comes so slowly that it takes a minute. */
const drip: Behaviour = async (x) => {
  for (const byte of `${HEAD}X: ${"x".repeat(600)}`) if (!(await x.send(byte)) || !(await x.wait(100))) return;
};

/** What goes wrong before a whole head of an answer. */
const FAILURES: readonly (readonly [what: string, behaviour: Behaviour, status: number])[] = [
  ["FIN at once", then("finish"), 502],
  ["reset at once", then("reset"), 502],
  ["FIN in the head", then("finish", `${HEAD}Content-Le`), 502],
  ["reset in the head", then("reset", `${HEAD}Content-Le`), 502],
  ["garbage", then("hang", "SSH-2.0-OpenSSH_9.2\r\n"), 502],
  ["accepts and hangs", then("hang"), 504],
  ["a slow drip", drip, 504],
  ["503", answering(plain("busy", "HTTP/1.1 503 Busy\r\n")), 503],
  ["503 with a short Retry-After", answering(plain("busy", "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n")), 503],
];

withGateway(
  "two targets, the first of which fails",
  {
    origins: { bad: {}, good: { behaviour: answering(plain("good")) } },
    config: ({ bad, good }) => {
      const failing = { balance: "first", ejection: false } as const;
      return {
        upstreams: {
          both: {
            ...failing,
            targets: [bad.url, good.url],
            timeouts: { firstByte: "800ms" },
            retries: { attempts: 2, perTry: "400ms", budget: { min: 1000 } },
          },
          refused: { ...failing, targets: [`http://127.0.0.1:${closedPort()}`, good.url] },
        },
        routes: { both: { match: "/t/*", to: "both" }, refused: { match: "/refused/*", to: "refused" } },
      };
    },
  },
  (rig) => {
    const arrived = (path: string): [bad: number, good: number] => [
      rig.origins.bad.requestsTo(path).length,
      rig.origins.good.requestsTo(path).length,
    ];

    test.concurrent.each(FAILURES)("%s: GET and PUT are answered by the other", async (_, behaviour) => {
      for (const bytes of [get, (path: string) => request("PUT", path, "content")]) {
        const path = ownPath();
        rig.origins.bad.at(path, behaviour);
        const response = await rig.exchange(bytes(path));
        expect([response.status, response.body.text]).toEqual([200, "good"]);
        expect(arrived(path)).toEqual([1, 1]);
      }
    });

    test.concurrent.each(FAILURES)("%s: POST is told so, and sent once", async (_, behaviour, status) => {
      const path = ownPath();
      rig.origins.bad.at(path, behaviour);
      const response = await rig.exchange(request("POST", path, "buy"));
      expect([response.status, response.complete]).toEqual([status, true]);
      expect(arrived(path)).toEqual([1, 0]);
    });

    test.concurrent.each([
      ["reset in the content", then("reset", `${HEAD}Content-Length: 10\r\n\r\nabc`)],
      ["an end in the content", then("finish", `${HEAD}Content-Length: 10\r\n\r\nabc`)],
    ])("%s: nothing is sent again, the answer is visibly broken", async (_, behaviour) => {
      const path = ownPath();
      rig.origins.bad.at(path, behaviour);
      const response = await rig.exchange(get(path));
      expect([response.status, response.complete]).toEqual([200, false]);
      expect(arrived(path)).toEqual([1, 0]);
    });

    test.concurrent("503 with a long Retry-After is passed on as it came", async () => {
      const path = ownPath();
      rig.origins.bad.at(path, answering(plain("busy", "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\n")));
      const response = await rig.exchange(get(path));
      expect([response.status, response.fields.one("retry-after"), response.body.text]).toEqual([503, "30", "busy"]);
      expect(arrived(path)).toEqual([1, 0]);
    });

    test.concurrent("a target that refuses is passed over, whatever the method", async () => {
      for (const method of ["GET", "POST"]) {
        expect((await rig.exchange(request(method, ownPath("/refused"), "x"))).status).toBe(200);
      }
    });

    test.concurrent("a target that flaps costs no GET, and no POST comes twice", async () => {
      const path = ownPath();
      let count = 0;
      const answer = answering(plain("flapping"));
      rig.origins.bad.at(path, (x) => (count++ % 2 === 0 ? x.reset() : answer(x)));
      for (let i = 0; i < 20; i++) expect((await rig.exchange(get(path))).status).toBe(200);
      const before = arrived(path);
      const statuses = new Set<number>();
      for (let i = 0; i < 20; i++) statuses.add((await rig.exchange(request("POST", path, "x"))).status);
      expect(statuses).toEqual(new Set([200, 502]));
      expect(arrived(path)).toEqual([before[0] + 20, before[1]]);
    });
  },
);

withGateway(
  "a kept connection",
  {
    origins: { u1: { behaviour: answering(plain("ok")) } },
    config: ({ u1 }) => ({
      upstreams: { u1: { targets: [u1.url], keepAlive: { idle: "60s" } } },
      routes: { all: { match: "/*", to: "u1" } },
    }),
  },
  (rig) => {
    describe("that its target ends while the gateway is busy, behind a request that is already here", () => {
      test.each(["finish", "reset"] as const)("%s: POST goes on another one, and arrives once", async (end) => {
        for (let round = 0; round < 5; round++) {
          const { u1 } = rig.origins;
          const path = ownPath();
          let close: (() => void) | undefined;
          u1.at("/warm", async (x) => {
            close = () => x[end]();
            await x.body();
            await x.send(plain("warm"));
          });
          const client = await rig.connect();
          await client.send(get("/warm"));
          await client.receive();
          // Stopped, the gateway finds both when it goes on: the request, and behind it the end of the connection.
          rig.gateway.signal("SIGSTOP");
          await client.send(request("POST", path, "buy"));
          await elapse(10);
          close!();
          await elapse(10);
          rig.gateway.signal("SIGCONT");
          const response = await client.receive();
          expect([response.status, u1.requestsTo(path).length]).toEqual([200, 1]);
          await until(() => u1.requestsTo(path)[0]!.complete, "the request, whole");
          client.close();
        }
      });
    });
  },
);

const BUSY = answering(plain("busy", "HTTP/1.1 503 Busy\r\n"));

withGateway(
  "an outage of all targets, two workers",
  {
    origins: { u1: { behaviour: BUSY }, u2: { behaviour: BUSY } },
    config: ({ u1, u2 }) => ({
      upstreams: {
        both: { targets: [u1.url, u2.url], retries: { attempts: 4 }, ejection: false, timeouts: { whole: "2s" } },
      },
      routes: { all: { match: "/*", to: "both" } },
      workers: 2,
    }),
  },
  (rig) => {
    test("retries add less than a third to what the targets are asked, in both workers together", async () => {
      const lanes = 10;
      const each = 40;
      const lane = async (): Promise<void> => {
        const client = await rig.connect();
        for (let i = 0; i < each; i++) {
          await client.send(get("/busy"));
          expect((await client.receive()).status).toBe(503);
          await elapse(50);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      const { u1, u2 } = rig.origins;
      const tries = u1.requestsTo("/busy").length + u2.requestsTo("/busy").length;
      expect(tries).toBeGreaterThan(lanes * each);
      expect(tries).toBeLessThan(1.3 * lanes * each);
      await until(() => rig.gateway.log.length === lanes * each, "all records");
      const told = rig.gateway.log.reduce((sum, record) => sum + Number(record["sluice.attempts"]), 0);
      expect(told).toBe(tries);
    }, 20_000);
  },
);

describe("retries.config.ts", () => {
  const EXAMPLE = resolve(import.meta.dir, "../../examples/upstreams/retries.config.ts");

  test("orders are made good, payments with a key too, reports not; the service is told what time is left", async () => {
    const [one, two] = await Promise.all([startOrigin({ behaviour: BUSY }), startOrigin({})]);
    const source = readFileSync(EXAMPLE, "utf8").replace("port: 8080", "port: 0");
    const gateway = await startGateway(source, { env: { ORDERS_A: one.url, ORDERS_B: two.url } });
    try {
      const ask = async (bytes: string): Promise<number> => (await exchange(gateway.port, bytes)).status;
      two.at("/orders/1", answering(plain("order")));
      two.at("/payments", answering(plain("paid")));
      // Turns: the first of two is always the one that is busy.
      const pay = (...fields: string[]): string => request("POST", "/payments", "10 EUR", ...fields);
      for (let i = 0; i < 3; i++) expect(await ask(get("/orders/1"))).toBe(200);
      for (let i = 0; i < 3; i++) expect(await ask(pay(`Idempotency-Key: "${i}"`))).toBe(200);
      expect(new Set([await ask(pay()), await ask(pay())])).toEqual(new Set([200, 503]));
      const told = two.requestsTo("/orders/1").map(({ fields }) => Number(fields.one("x-request-timeout")));
      for (const ms of told) expect(ms > 4000 && ms <= 5000).toBe(true);
    } finally {
      await gateway.stop();
      await Promise.all([one.stop(), two.stop()]);
    }
  });
});
