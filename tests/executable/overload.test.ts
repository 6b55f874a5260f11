// The cap on all that is under way, on the executable: shed at once, before anything is looked at, and told once.
import { describe, expect, test } from "bun:test";
import { until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { startOrigin } from "../support/raw-origin.ts";

describe("overload", () => {
  test("of 120 over a cap of 20, 100 are shed at once and keep their connections; the operator is told twice", async () => {
    let released = false;
    const origin = await startOrigin(async (x) => {
      while (!released && (await x.wait(2)));
      await x.send(plain());
    });
    const gateway = await startGateway({
      upstreams: { u1: { targets: [origin.url] } },
      overload: { maxInFlight: 20, exempt: ["/healthz"], retryAfter: "3s" },
      routes: {
        all: { match: "/api/*", to: "u1" },
        health: { match: "/healthz", answer: { body: "fine" } },
      },
    });
    const held = await Promise.all(Array.from({ length: 20 }, () => connect(gateway.port)));
    for (const client of held) await client.send(get("/api/held"));
    await until(() => origin.requests.length === 20, "20 at the origin");
    const more = await Promise.all(Array.from({ length: 100 }, () => connect(gateway.port)));
    await Promise.all(more.map((client) => client.send(get("/api/more"))));
    const shed = await Promise.all(more.map((client) => client.receive()));
    expect(shed.every(({ status }) => status === 503)).toBe(true);
    expect(problemOf(shed[0]!)).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
      code: "overloaded",
    });
    expect([shed[0]!.fields.one("retry-after"), shed[0]!.fields.one("connection")]).toEqual(["3", undefined]);
    // What nobody has is shed too: no route is looked for. What is exempt is answered.
    expect((await exchange(gateway.port, get("/nowhere"))).status).toBe(503);
    expect((await exchange(gateway.port, request("POST", "/api/x", "content"))).status).toBe(503);
    expect((await exchange(gateway.port, get("/healthz"))).body.text).toBe("fine");
    expect(origin.requests).toHaveLength(20);
    released = true;
    for (const client of held) expect((await client.receive()).status).toBe(200);
    // The same connection serves when there is room.
    await more[0]!.send(get("/api/again"));
    expect((await more[0]!.receive()).status).toBe(200);
    for (const client of [...held, ...more]) client.close();
    gateway.signal("SIGTERM");
    expect(await gateway.ended()).toBe(0);
    const told = gateway.stderr.text.split("\n").filter((line) => /with 503/.test(line));
    expect(told).toEqual([
      expect.stringContaining("20 exchanges are under way, the most that overload.maxInFlight allows"),
      expect.stringContaining("answered with 503 meanwhile: 102"),
    ]);
    await origin.stop();
  }, 20_000);
});
