// Conformance: how much is let through.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import type { Promised } from "./kit.ts";

/** Promises about limits. */
export const LIMITS: readonly Promised[] = [
  {
    name: "a limit lets exactly as many pass, of each value it counts by, and answers tell of it",
    async holds({ send, origin }) {
      const statuses: number[] = [];
      for (let i = 0; i < 4; i++) {
        const response = await send(get("/limited/a", "X-Tenant: one"));
        statuses.push(response.status);
        expect(response.fields.one("ratelimit-policy")).toBe('"few";q=3;w=60');
        expect(response.fields.one("ratelimit")).toMatch(new RegExp(`^"few";r=${Math.max(0, 2 - i)};t=\\d+$`));
        if (response.status === 429) {
          expect(problemOf(response)).toMatchObject({ code: "rate_limit_exceeded", "violated-policies": ["few"] });
          expect(Number(response.fields.one("retry-after"))).toBeGreaterThan(50);
        }
      }
      expect(statuses).toEqual([200, 200, 200, 429]);
      expect((await send(get("/limited/a", "X-Tenant: other"))).status).toBe(200);
      expect(origin.requestsTo("/limited/a")).toHaveLength(4);
    },
  },
  {
    name: "content over the route's bound is refused, announced or counted",
    async holds({ send, connect, origin }) {
      expect((await send(request("POST", "/small/fits", "0123456789"))).status).toBe(200);
      const announced = await send(request("POST", "/small/over", "0123456789a"));
      expect([announced.status, problemOf(announced).code]).toEqual([413, "content_too_large"]);
      expect(origin.requestsTo("/small/over")).toHaveLength(0);
      const head = "POST /small/counted HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n";
      const client = await connect();
      await client.send(`${head}5\r\n01234\r\n`);
      const seen = await until(() => origin.requestsTo("/small/counted")[0], "the request at the origin");
      await until(() => seen.body.bytes === 5, "the first piece at the origin");
      await client.send("6\r\n56789a\r\n0\r\n\r\n");
      const counted = await client.receive();
      expect([counted.status, problemOf(counted).code]).toEqual([413, "content_too_large"]);
      await until(() => seen.connection.ending !== "open", "the connection at the origin to end");
      expect(seen.complete).toBe(false);
      client.close();
    },
  },
];
