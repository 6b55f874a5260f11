// The first config of the README, as it stands but for ports.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { get } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";

const TEXT = readFileSync(resolve(import.meta.dir, "../../../examples/first.config.ts"), "utf8");

withGateway(
  "first.config.ts",
  {
    origins: { one: {}, two: {} },
    config: ({ one, two }) =>
      TEXT.replace("http://127.0.0.1:9001", one.url)
        .replace("http://127.0.0.1:9002", two.url)
        .replace("defineGateway({", 'defineGateway({ listen: { host: "127.0.0.1", port: 0 },'),
  },
  (rig) => {
    test("two targets take turns, without the prefix; a function answers; the 101st request of a minute is refused", async () => {
      const statuses: number[] = [];
      for (let i = 0; i < 101; i++) statuses.push((await rig.exchange(get("/api/orders/1"))).status);
      expect(statuses).toEqual([...Array.from({ length: 100 }, () => 200), 429]);
      const seen = [rig.origins.one, rig.origins.two].map((origin) => origin.requestsTo("/orders/1").length);
      expect(seen).toEqual([50, 50]);
      expect((await rig.exchange(get("/hello/Ada"))).body.text).toBe('{"hello":"Ada"}');
    });
  },
);
