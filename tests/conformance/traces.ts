// Conformance: which trace an exchange belongs to, and who is told.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import type { Promised } from "./kit.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT = `traceparent: 00-${ID}-b7ad6b7169203331-01`;

/** Promises about traces. */
export const TRACES: readonly Promised[] = [
  {
    name: "a trace is continued with a span of the gateway's own; the log tells it, and baggage ends here",
    async holds({ send, origin, log }) {
      const path = ownPath("/all");
      await send(get(path, PARENT, "tracestate: a=1,b=2", "Baggage: user=1"));
      const { fields } = await origin.requestTo(path);
      expect(fields.one("traceparent")).toMatch(new RegExp(`^00-${ID}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
      expect(fields.one("tracestate")).toBe("a=1,b=2");
      expect(fields.all("baggage")).toEqual([]);
      const line = await until(() => log().find((each) => each["url.path"] === path), "its line");
      expect(line).toMatchObject({ trace_id: ID, trace_flags: "01" });
    },
  },
  {
    name: "a trace begins with the exchange's id where none is said, or what is said is none",
    async holds({ send, origin }) {
      for (const fields of [[], ["traceparent: 00-nonsense", "tracestate: a=1"], [PARENT, PARENT]]) {
        const path = ownPath("/all");
        const id = (await send(get(path, ...fields))).fields.one("x-request-id")!.replaceAll("-", "");
        const told = (await origin.requestTo(path)).fields;
        expect(told.one("traceparent")).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-03$`));
        expect(told.one("tracestate")).toBe("ot=th:0");
      }
    },
  },
  {
    name: "a problem tells its trace",
    async holds({ send }) {
      const { body } = await send(get("/nowhere-at-all", PARENT));
      expect(JSON.parse(body.text)).toMatchObject({ trace_id: ID });
    },
  },
];
