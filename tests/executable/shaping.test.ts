// Shaping on the executable, with origins that count: splits, mirrors that misbehave, fallbacks, faults, and a drain.
import { describe, expect, test } from "bun:test";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get, request } from "../support/messages.ts";
import { plain, type Behaviour, type RecordedRequest } from "../support/origin-exchange.ts";
import { connect } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { ownPath, withGateway, type Rig } from "../support/rig.ts";

/** Reads the request whole and says who it is. */
const named =
  (name: string): Behaviour =>
  async (x) => {
    const body = await x.body();
    await x.send(plain(`${name} ${body.length}`));
  };

withGateway(
  "a split",
  {
    origins: { stable: { behaviour: named("stable") }, canary: { behaviour: named("canary") } },
    config: ({ stable, canary }) => ({
      upstreams: { stable: { targets: [stable.url] }, canary: { targets: [canary.url] } },
      routes: {
        shares: {
          match: "/shares/*",
          split: [
            { to: "stable", weight: 80 },
            { to: "canary", weight: 20 },
          ],
        },
        sticky: { match: "/sticky/*", split: [{ to: "stable" }, { to: "canary" }], splitBy: { cookie: "sid" } },
        meant: { match: "/meant", split: [{ to: "stable" }, { to: "canary", when: { cookie: { beta: "on" } } }] },
      },
    }),
  },
  (rig) => {
    test("gives each upstream its share, and the log says whose answer it was", async () => {
      using client = await rig.connect();
      for (let i = 0; i < 400; i++) {
        await client.send(get("/shares/x"));
        await client.receive();
      }
      const count = (origin: "stable" | "canary"): number => rig.origins[origin].requestsTo("/shares/x").length;
      expect(count("stable") + count("canary")).toBe(400);
      expect(Math.abs(count("canary") - 80)).toBeLessThan(40);
      const logged = (): Record<string, unknown>[] =>
        rig.gateway.log.filter((line) => line["sluice.route"] === "shares");
      await until(() => logged().length === 400, "the records of all exchanges");
      expect(logged().filter((line) => line["sluice.upstream"] === "canary")).toHaveLength(count("canary"));
    });

    test("keeps a session at its branch, on connections of all kinds", async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 20; i++) {
        const answers = await Promise.all(
          [1, 2, 3].map(() => rig.exchange(get(`/sticky/${i}`, `Cookie: a=b; sid=session-${i}`))),
        );
        const texts = new Set(answers.map(({ body }) => body.text));
        expect(texts.size).toBe(1);
        seen.add([...texts][0]!);
      }
      expect([...seen].toSorted()).toEqual(["canary 0", "stable 0"]);
    });

    test("sends whom a condition means to its branch", async () => {
      expect((await rig.exchange(get("/meant", "Cookie: beta=on"))).body.text).toBe("canary 0");
      expect((await rig.exchange(get("/meant", "Cookie: beta=off"))).body.text).toBe("stable 0");
    });
  },
);

/** What a mirror may do to a request. */
const MISBEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  hangs: (x) => x.hang(),
  resets: (x) => x.reset(),
  "ends without a word": (x) => x.finish(),
  "talks nonsense": (x) => x.send("SSH-2.0-OpenSSH\r\n\r\n"),
  "drips its answer": async (x) => {
    await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while ((await x.chunk("x")) && (await x.wait(20)));
  },
  "floods its answer": async (x) => {
    await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const piece = Buffer.alloc(64 * 1024, "f");
    while (await x.chunk(piece));
  },
};

/** Longer than any exchange on this machine, shorter than any mirror's time. */
const SOON_MS = 1500;

withGateway(
  "a mirror",
  {
    origins: { own: { behaviour: named("own") }, shadow: {} },
    config: ({ own, shadow }) => ({
      upstreams: {
        own: { targets: [own.url] },
        shadow: { targets: [shadow.url] },
        absent: { targets: [`http://127.0.0.1:${closedPort()}`] },
      },
      routes: {
        all: { match: "/t/*", to: "own", mirror: { to: "shadow", maxBody: "1MiB", maxInFlight: 16, timeout: "4s" } },
        gone: { match: "/gone", to: "own", mirror: { to: "absent" } },
      },
    }),
  },
  (rig: Rig<"own" | "shadow">) => {
    test.each(Object.entries(MISBEHAVIOURS))("that %s: callers get their answers at once", async (_, behaviour) => {
      const path = ownPath();
      rig.origins.shadow.at(path, behaviour);
      const began = performance.now();
      for (let i = 0; i < 5; i++) {
        const answer = await rig.exchange(request("POST", path, "content"));
        expect([answer.status, answer.body.text]).toEqual([200, "own 7"]);
      }
      expect(performance.now() - began).toBeLessThan(SOON_MS);
      // Over the bound others are dropped, so that fewer may have come; the time of those that hang runs out.
      const copies = (): RecordedRequest[] => rig.origins.shadow.requestsTo(path);
      const isOver = (): boolean =>
        copies().length > 0 && copies().every(({ connection }) => connection.ending !== "open");
      await until(isOver, "the end of all copies", 10_000);
      expect(copies()[0]!.fields.one("x-sluice-mirror")).toBe("1");
    });

    test("that is not there", async () => {
      const answer = await rig.exchange(get("/gone"));
      expect([answer.status, answer.body.text]).toEqual([200, "own 0"]);
    });

    test("gets content of up to its bound whole, and none that is longer", async () => {
      const path = ownPath();
      rig.origins.shadow.at(path, named("shadow"));
      const most = "x".repeat(1024 * 1024);
      expect((await rig.exchange(request("PUT", path, most))).body.text).toBe("own 1048576");
      expect((await rig.exchange(request("PUT", path, `${most}x`))).body.text).toBe("own 1048577");
      expect((await rig.exchange(request("PUT", path, most))).body.text).toBe("own 1048576");
      await until(() => rig.origins.shadow.requestsTo(path).length === 2, "two copies");
      for (const { body } of rig.origins.shadow.requestsTo(path)) expect(body.content.length).toBe(1024 * 1024);
    });

    test("of a client that leaves gets its copy, and may take its time to answer it", async () => {
      const path = ownPath();
      let isAnswered = false;
      rig.origins.own.at(path, (x) => x.hang());
      rig.origins.shadow.at(path, async (x) => {
        await x.wait(200);
        isAnswered = await x.send(plain("late"));
      });
      const client = await rig.connect();
      await client.send(request("POST", path, "abc"));
      await until(() => rig.origins.own.requestsTo(path).length === 1, "the request at its own upstream");
      client.reset();
      await until(() => isAnswered, "the answer of the mirror");
      expect(rig.origins.shadow.requestsTo(path)[0]!.connection.ending).toBe("open");
    });
  },
);

test.concurrent("a drain ends with the last client, whatever a mirror does", async () => {
  const [own, shadow] = [await startOrigin(named("own")), await startOrigin((x) => x.hang())];
  const gateway = await startGateway({
    upstreams: { own: { targets: [own.url] }, shadow: { targets: [shadow.url] } },
    routes: { all: { match: "/*", to: "own", mirror: { to: "shadow", timeout: "1h" } } },
  });
  using client = await connect(gateway.port);
  await client.send(get("/x"));
  expect((await client.receive()).body.text).toBe("own 0");
  await until(() => shadow.requestsTo("/x").length === 1, "the copy at the mirror");
  const began = performance.now();
  await gateway.stop();
  expect(performance.now() - began).toBeLessThan(5000);
  await Promise.all([own.stop(), shadow.stop()]);
});

describe("a fallback", () => {
  withGateway(
    "of an upstream that is down",
    {
      origins: { other: { behaviour: named("other") } },
      config: ({ other }) => ({
        upstreams: {
          down: {
            targets: [`http://127.0.0.1:${closedPort()}`, `http://127.0.0.1:${closedPort()}`],
            fallback: { to: "other" },
          },
          dark: {
            targets: [`http://127.0.0.1:${closedPort()}`],
            fallback: { answer: { status: 503, body: { later: true } } },
          },
          other: { targets: [other.url] },
        },
        routes: { down: { match: "/down", to: "down" }, dark: { match: "/dark", to: "dark" } },
      }),
    },
    (rig) => {
      test("gets every request once, uploads of any length too: nothing had been sent", async () => {
        for (const length of [0, 10, 5_000_000]) {
          const before = rig.origins.other.requestsTo("/down").length;
          const answer = await rig.exchange(request("POST", "/down", "x".repeat(length)));
          expect([answer.status, answer.body.text]).toEqual([200, `other ${Math.min(length, 4 * 1024 * 1024)}`]);
          expect(answer.fields.one("proxy-status")).toBe('sluice; error=connection_refused; details="fallback"');
          expect(rig.origins.other.requestsTo("/down")).toHaveLength(before + 1);
        }
        const line = await until(() => rig.gateway.log.find((line) => line["sluice.route"] === "down"), "its record");
        expect(line).toMatchObject({
          "sluice.upstream": "other",
          "sluice.attempts": 3,
          "sluice.fallbacks": [{ upstream: "down", reason: "connection_refused" }],
        });
      });

      test("is an answer of the config", async () => {
        const answer = await rig.exchange(get("/dark"));
        expect([answer.status, answer.body.text]).toEqual([503, '{"later":true}']);
      });
    },
  );

  withGateway(
    "of an upstream that resets",
    {
      origins: { up: { behaviour: (x) => x.reset() }, other: { behaviour: named("other") } },
      config: ({ up, other }) => ({
        upstreams: { up: { targets: [up.url], fallback: { to: "other" } }, other: { targets: [other.url] } },
        routes: { all: { match: "/*", to: "up" } },
      }),
    },
    (rig) => {
      test.each([
        ["PUT", 200, 1],
        ["POST", 502, 0],
      ])("%s gives %d: what may have been acted on is repeated only if it may be", async (method, status, asked) => {
        const path = ownPath();
        const answer = await rig.exchange(request(method, path, "abc"));
        expect(answer.status).toBe(status);
        expect(rig.origins.other.requestsTo(path)).toHaveLength(asked);
      });
    },
  );
});

test.concurrent("faults made on purpose: run warns, and clients meet them where they ask for it", async () => {
  const faults = { delay: { by: "150ms" }, abort: { status: 503 }, when: { header: { "X-Test": "faults" } } } as const;
  const gateway = await startGateway({ routes: { it: { match: "/", answer: { body: "ok" }, faults } } });
  expect(gateway.stderr.text).toContain("FAULTS ARE MADE ON PURPOSE on it");
  using client = await connect(gateway.port);
  await client.send(get("/"));
  expect((await client.receive()).body.text).toBe("ok");
  const began = performance.now();
  await client.send(get("/", "X-Test: faults"));
  const answer = await client.receive();
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.body.text)).toMatchObject({ code: "fault_injected" });
  expect(performance.now() - began).toBeGreaterThanOrEqual(149);
  await gateway.stop();
  expect(gateway.log[1]).toMatchObject({ "error.type": "fault_injected", "sluice.faults": ["delay", "abort"] });
});
