// docs/not-there.md: what it says that middleware of Hono's does, it does.
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { get } from "../../support/messages.ts";
import { answering, plain } from "../../support/origin-exchange.ts";
import { withGateway } from "../../support/rig.ts";
import { exampleText } from "./example.ts";

const TEXT = "tea ".repeat(1000);

withGateway(
  "middleware.config.ts",
  {
    origins: { shop: {} },
    config: ({ shop }) => exampleText("middleware.config.ts").replace("http://127.0.0.1:9001", shop.url),
  },
  (rig) => {
    test("a service's answer is compressed for who takes it so", async () => {
      rig.origins.shop.at("/shop/1", answering(plain(TEXT, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")));
      const small = await rig.exchange(get("/shop/1", "Accept-Encoding: gzip"));
      expect(small.fields.one("content-encoding")).toBe("gzip");
      expect(gunzipSync(small.body.content).toString()).toBe(TEXT);
      expect((await rig.exchange(get("/shop/1"))).body.text).toBe(TEXT);
    });

    test("events pass one by one through it", async () => {
      let finish = (): void => undefined;
      const wait = new Promise<void>((resolve) => (finish = resolve));
      rig.origins.shop.at("/shop/events", async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
        await wait;
        await x.send("data: 2\n\n");
        x.finish();
      });
      const url = `http://127.0.0.1:${rig.gateway.port}/shop/events`;
      const reader = (await fetch(url)).body!.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader.read()).value).toBe("data: 1\n\n");
      finish();
      expect((await reader.read()).value).toBe("data: 2\n\n");
      await reader.cancel();
    });

    test("files of a folder are served, what is not there is 404, and nothing beside it", async () => {
      mkdirSync(join(rig.gateway.folder, "public"));
      writeFileSync(join(rig.gateway.folder, "public/a.txt"), "hello\n");
      const file = await rig.exchange(get("/public/a.txt"));
      expect([file.status, file.body.text]).toEqual([200, "hello\n"]);
      expect((await rig.exchange(get("/public/b.txt"))).status).toBe(404);
      for (const path of [
        "/public/../gateway.config.ts",
        "/public/..%2fgateway.config.ts",
        "/public/%2e%2e/gateway.config.ts",
      ]) {
        expect((await rig.exchange(get(path))).status).toBe(404);
      }
    });
  },
);
