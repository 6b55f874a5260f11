// Conformance: which upstream a request goes to, copies of it, what is used in its place, and faults made on purpose.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import type { Promised } from "./kit.ts";

/** Promises about shaping. */
export const SHAPING: readonly Promised[] = [
  {
    name: "a split sends to the branch that a condition means, else by weight, and the record says which one it was",
    async holds({ send, log }) {
      for (const [path, fields] of [
        ["/split/meant", ["Cookie: a=b; canary=yes"]],
        ["/split/other", []],
      ] as const) {
        expect((await send(get(path, ...fields))).status).toBe(200);
      }
      const branchOf = (path: string): unknown => log().find((line) => line["url.path"] === path)?.["sluice.upstream"];
      await until(() => branchOf("/split/other") !== undefined, "the record");
      expect([branchOf("/split/meant"), branchOf("/split/other")]).toEqual(["twin", "origin"]);
    },
  },
  {
    name: "a cookie leads back to the target that answered, and a forged one nowhere",
    async holds({ send, origin, scheme }) {
      origin.at("/bound/x", plain("origin"));
      const first = await send(get("/bound/x"));
      const line = first.fields.one("set-cookie") ?? "";
      expect(line).toMatch(/^at=[A-Za-z0-9_-]{22}; Path=\/; HttpOnly; SameSite=Lax(?:; Secure)?$/);
      expect(line.endsWith("; Secure")).toBe(scheme === "https");
      for (let i = 0; i < 8; i++) {
        const again = await send(get("/bound/x", `Cookie: a=b; ${line.split(";")[0]!}`));
        expect([again.body.text, again.fields.all("set-cookie")]).toEqual([first.body.text, []]);
      }
      const forged = await send(get("/bound/x", "Cookie: at=AAAAAAAAAAAAAAAAAAAAAA"));
      expect(forged.fields.all("set-cookie")).toHaveLength(1);
    },
  },
  {
    name: "requests of one tenant go to one target, those of many to all",
    async holds({ send, origin }) {
      origin.at("/hashed/x", plain("origin"));
      const of = new Map<string, string>();
      for (let i = 0; i < 40; i++) {
        const tenant = `X-Tenant: ${i % 20}`;
        const { body } = await send(get("/hashed/x", tenant));
        expect(of.get(tenant) ?? body.text).toBe(body.text);
        of.set(tenant, body.text);
      }
      expect(new Set(of.values()).size).toBe(2);
    },
  },
  {
    name: "a mirror gets a copy with its content, and the client the answer of its own upstream",
    async holds({ send, origin }) {
      origin.at("/mirrored/x", async (x) => {
        const body = await x.body();
        const isCopy = x.request.fields.one("x-sluice-mirror") !== undefined;
        if (isCopy) await x.wait(300);
        await x.send(plain(`${isCopy ? "copy" : "own"} ${body.toString()}`));
      });
      const began = performance.now();
      const answer = await send(request("POST", "/mirrored/x", "content", "X-Sluice-Mirror: forged"));
      expect([answer.status, answer.body.text]).toEqual([200, "own content"]);
      expect(performance.now() - began).toBeLessThan(300);
      const seen = await until(() => {
        const requests = origin.requestsTo("/mirrored/x");
        return requests.length === 2 && requests.every(({ complete }) => complete) ? requests : undefined;
      }, "the copy");
      expect(seen.map(({ body }) => body.content.toString())).toEqual(["content", "content"]);
      expect(seen.filter(({ fields }) => fields.one("x-sluice-mirror") === "1")).toHaveLength(1);
    },
  },
  {
    name: "another upstream is asked when one has no answer, and Proxy-Status tells of it",
    async holds({ send, origin }) {
      origin.at("/falling/x", async (x) => {
        await x.body();
        await x.send(plain("other"));
      });
      const answer = await send(request("PUT", "/falling/x", "content"));
      expect([answer.status, answer.body.text]).toEqual([200, "other"]);
      expect(answer.fields.one("proxy-status")).toMatch(/^conforming; error=\w+; details="fallback"$/);
      expect(origin.requestsTo("/falling/x").map(({ body }) => body.content.toString())).toEqual(["content"]);
    },
  },
  {
    name: "an answer of the config takes the place of one that does not come",
    async holds({ send }) {
      const answer = await send(get("/dark"));
      expect([answer.status, answer.body.text]).toEqual([203, "kept"]);
    },
  },
  {
    name: "faults made on purpose delay, and answer in the upstream's place",
    async holds({ send, origin }) {
      const began = performance.now();
      const answer = await send(get("/faulty"));
      expect([answer.status, problemOf(answer).code]).toEqual([503, "fault_injected"]);
      expect(performance.now() - began).toBeGreaterThanOrEqual(99);
      expect(origin.requestsTo("/faulty")).toHaveLength(0);
    },
  },
];
