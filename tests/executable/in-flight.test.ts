// Bounds on what is under way at once, on the executable: by what the origin has at the same time, and who waits how long.
import { expect, test } from "bun:test";
import { openWebSocket, accept } from "../cases/websocket-steps.ts";
import { until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { answering, type Behaviour, plain } from "../support/origin-exchange.ts";
import type { RawClient } from "../support/raw-client.ts";
import { connect } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const KIB = 1024;

/** An origin that answers when it is told to, and counts what it has at once. */
class Slow {
  busy = 0;
  most = 0;
  /** Requests that may be answered. */
  allowed = 0;
  readonly begun: string[] = [];

  readonly behaviour: Behaviour = async (x) => {
    this.begun.push(x.request.target);
    this.busy += 1;
    this.most = Math.max(this.most, this.busy);
    const turn = this.begun.length;
    while (this.allowed < turn && (await x.wait(2)));
    this.busy -= 1;
    await x.send(plain(x.request.target));
  };
}

withGateway(
  "a bound",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { defineGateway } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { u1: { targets: ["${u1.url}"] } },
  inFlight: {
    five: { max: 5, by: { header: "X-Who" }, queue: 10, wait: "20s" },
    one: { max: 1, by: { header: "X-Who" } },
    queued: { max: 1, by: { header: "X-Who" }, queue: 5, wait: "20s" },
    hasty: { max: 1, by: { header: "X-Who" }, queue: 5, wait: "150ms" },
  },
  routes: {
    five: { match: "/five/*", to: "u1", inFlight: "five" },
    one: { match: "/one/*", to: "u1", inFlight: "one" },
    queued: { match: "/queued/*", to: "u1", inFlight: "queued" },
    hasty: { match: "/hasty/*", to: "u1", inFlight: "hasty" },
    throws: { match: "/throws", inFlight: "one", handler: () => { throw new Error("on purpose"); } },
    used: { match: "/used/*", to: "u1", inFlight: "one", use: [async (_, next) => { await next(); throw new Error("on purpose"); }] },
  },
});
`,
  },
  (rig) => {
    let callers = 0;
    /** Somebody who has no place yet. */
    const somebody = (): string => `X-Who: ${++callers}`;

    test("of 40 at the same instant the origin has 5 at once, 10 wait and are served in turn, 25 are refused", async () => {
      const slow = new Slow();
      const [below, who] = [ownPath("/five"), somebody()];
      rig.origins.u1.behaviour = slow.behaviour;
      const clients = await Promise.all(Array.from({ length: 40 }, () => rig.connect()));
      await Promise.all(clients.map((client, i) => client.send(get(`${below}/${i}`, who))));
      const refused: number[] = [];
      await until(() => slow.begun.length === 5, "five at the origin");
      const answers = clients.map((client, i) =>
        client.receive({ timeoutMs: 10_000 }).then((response) => {
          if (response.status === 429) refused.push(i);
          return response;
        }),
      );
      await until(() => refused.length === 25, "25 refusals");
      expect(slow.begun).toHaveLength(5);
      for (let allowed = 1; allowed <= 15; allowed++) {
        slow.allowed = allowed;
        await until(() => slow.begun.length === Math.min(15, 5 + allowed), `the next after ${allowed}`);
      }
      const responses = await Promise.all(answers);
      const served = responses.filter(({ status }) => status === 200);
      expect([served.length, slow.most]).toEqual([15, 5]);
      const over = responses[refused[0]!]!;
      expect([problemOf(over).code, over.fields.one("retry-after")]).toEqual(["in_flight_exceeded", "1"]);
      for (const client of clients) client.close();
      rig.origins.u1.behaviour = answering(plain());
    });

    /** A client that has the one place, and is under way at the origin. */
    async function holder(path: string, who: string, behaviour: Behaviour): Promise<RawClient> {
      rig.origins.u1.at(path, behaviour);
      const client = await rig.connect();
      await client.send(get(path, who));
      await until(() => rig.origins.u1.requestsTo(path).length === 1, "the request");
      return client;
    }

    /** Whether the place is free: asks until it is. */
    const free = (who: string): Promise<boolean> =>
      until(async () => (await rig.exchange(get(ownPath("/one"), who))).status === 200, "the place to be free");

    const ends: [how: string, behaviour: Behaviour, end: (client: RawClient) => void][] = [
      ["its client resets", (x) => x.hang(), (client) => client.reset()],
      ["its client closes", (x) => x.hang(), (client) => client.close()],
      ["the origin resets", async (x) => (await x.wait(50), x.reset()), () => undefined],
      [
        "the origin breaks off in the middle",
        async (x) => {
          await x.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
          await x.wait(50);
          x.reset();
        },
        () => undefined,
      ],
      ["its answer is out", async (x) => (await x.wait(50), x.send(plain())), () => undefined],
    ];
    test.each(ends)("gives its place back when %s", async (_, behaviour, end) => {
      const who = somebody();
      using client = await holder(ownPath("/one"), who, behaviour);
      expect((await rig.exchange(get(ownPath("/one"), who))).status).toBe(429);
      end(client);
      await free(who);
    });

    test.each(["/throws", "/used/x"])("gives its place back when code of the user's own throws: %s", async (path) => {
      const who = somebody();
      for (let i = 0; i < 5; i++) expect((await rig.exchange(get(path, who))).status).toBe(500);
      await free(who);
    });

    test("holds for a WebSocket until it is closed", async () => {
      const [path, who] = [ownPath("/one"), somebody()];
      rig.origins.u1.at(path, async (x) => {
        await accept(x);
        await x.hang();
      });
      const client = await rig.connect();
      await openWebSocket(client, path, `${who}\r\n`);
      expect((await rig.exchange(get(ownPath("/one"), who))).status).toBe(429);
      client.reset();
      await free(who);
    });

    for (const leave of ["reset", "close"] as const) {
      test(`lets who leaves while it waits go at once (${leave}), and gives its turn to the next`, async () => {
        const [below, who] = [ownPath("/queued"), somebody()];
        let released = false;
        const first = await holder(`${below}/1`, who, async (x) => {
          while (!released && (await x.wait(2)));
          await x.send(plain("first"));
        });
        const [leaver, next] = [await rig.connect(), await rig.connect()];
        await leaver.send(get(`${below}/2`, who));
        await leaver.expectSilence(30);
        await next.send(get(`${below}/3`, who));
        leaver[leave]();
        const logged = (): boolean =>
          rig.gateway.log.some(
            (each) => each["url.path"] === `${below}/2` && each["error.type"] === "client_disconnect",
          );
        await until(logged, "the leaver's record, while the first is still under way");
        expect(rig.origins.u1.requestsTo(`${below}/1`)).toHaveLength(1);
        released = true;
        expect((await first.receive()).body.text).toBe("first");
        expect((await next.receive()).status).toBe(200);
        expect(rig.origins.u1.requestsTo(`${below}/2`)).toHaveLength(0);
        for (const client of [first, next]) client.close();
      });
    }

    test("refuses who has waited in vain, in time", async () => {
      const [below, who] = [ownPath("/hasty"), somebody()];
      using first = await holder(`${below}/1`, who, (x) => x.hang());
      const began = performance.now();
      const response = await rig.exchange(get(`${below}/2`, who));
      expect([response.status, performance.now() - began >= 140]).toEqual([429, true]);
      first.reset();
    });

    test("keeps an upload back while it waits, and lets all of it pass when its turn has come", async () => {
      const [below, who] = [ownPath("/queued"), somebody()];
      const first = await holder(`${below}/1`, who, (x) => x.hang());
      const size = 512 * KIB;
      using uploader = await rig.connect();
      void uploader.send(request("POST", `${below}/2`, "u".repeat(size), who));
      await uploader.expectSilence(50);
      expect(rig.origins.u1.requestsTo(`${below}/2`)).toHaveLength(0);
      first.reset();
      expect((await uploader.receive()).status).toBe(200);
      expect((await rig.origins.u1.requestTo(`${below}/2`)).body.bytes).toBe(size);
    });
  },
);

test("who waits when the gateway is told to stop is still served, and the gateway ends with 0", async () => {
  const slow = new Slow();
  const origin = await startOrigin(slow.behaviour);
  const gateway = await startGateway({
    upstreams: { u1: { targets: [origin.url] } },
    inFlight: { one: { max: 1, by: "upstream", queue: 5, wait: "20s" } },
    routes: { all: { match: "/*", to: "u1", inFlight: "one" } },
  });
  const clients: RawClient[] = [];
  for (const path of ["/1", "/2", "/3"]) {
    const client = await connect(gateway.port);
    clients.push(client);
    await client.send(get(path));
    await until(() => slow.begun.length === 1, "the first at the origin");
  }
  await clients[2]!.expectSilence(30);
  gateway.signal("SIGTERM");
  await until(() => gateway.stderr.text.match(/drain|finish|SIGTERM/i), "the gateway to say so");
  slow.allowed = 3;
  expect((await Promise.all(clients.map((client) => client.receive()))).map(({ status }) => status)).toEqual([
    200, 200, 200,
  ]);
  expect([slow.begun, slow.most]).toEqual([["/1", "/2", "/3"], 1]);
  for (const client of clients) client.close();
  expect(await gateway.ended()).toBe(0);
  await origin.stop();
});
