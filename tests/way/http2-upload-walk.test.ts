// Content from a client of HTTP/2 to a target of HTTP/2, windows opened in any steps: all of it comes.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PREFACE, data, headers, lines, settings, windowUpdate } from "../support/http2-frames.ts";
import { Http2TargetPeer } from "../support/http2-target.ts";
import { overHttp2 } from "../support/http2-world.ts";
import { World } from "../support/fake-world.ts";
import { readFrames } from "../support/http2-frames.ts";

test("an upload comes whole, however it is cut and whatever the windows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 80 }),
      fc.array(fc.constantFrom("client", "target", "settle", "hold", "read"), { minLength: 5, maxLength: 60 }),
      fc.integer({ min: 5000, max: 100_000 }),
      fc.constantFrom(1000, 20_000, 262_144),
      (sizes, steps, first, capacity) => {
        const world = new World(overHttp2({}, {}, { targets: ["http://a.test"], protocol: "h2c" }));
        world.platform.network.capacity = capacity;
        const client = world.client();
        client.send(PREFACE + settings() + headers(1, lines("POST", "/"), false));
        world.settle();
        const target = new Http2TargetPeer(world.a.last);
        target.greet([4, first]);
        let given = 0;
        let sent = 0;
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const clientMay = (): number => {
          let stream = 65_535;
          let all = 65_535;
          for (const { type, stream: id, payload } of readFrames(client.received)) {
            if (type !== "WINDOW_UPDATE") continue;
            const bytes = Buffer.from(payload, "latin1").readUInt32BE();
            if (id === 0) all += bytes;
            else stream += bytes;
          }
          return Math.min(stream, all) - sent;
        };
        const left = [...sizes];
        const act = (step: string): void => {
          if (step === "client") {
            const may = clientMay();
            if (left.length > 0 && left[0]! <= may) {
              const size = left.shift()!;
              sent += size;
              client.send(data(1, "x".repeat(size), left.length === 0));
            }
          } else if (step === "target") {
            const got = target.requests.get(1)?.body.length ?? 0;
            if (got > given) {
              target.send(windowUpdate(0, got - given), windowUpdate(1, got - given));
              given = got;
            }
          } else if (step === "settle") world.settle();
          else if (step === "hold") target.connection.hold();
          else target.connection.read();
        };
        for (const step of steps) act(step);
        target.connection.read();
        for (let i = 0; i < 600 && target.requests.get(1)?.complete !== true; i++) {
          act("client");
          world.settle();
          act("target");
          world.settle();
        }
        expect(target.request().body.length).toBe(total);
        expect(target.request().complete).toBe(true);
        target.answer(1, 200);
        world.settle();
        world.close();
      },
    ),
    { numRuns: 60 },
  );
});
