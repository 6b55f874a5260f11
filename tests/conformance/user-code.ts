// Conformance: handlers and middleware of the user's own, and WebSockets.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import { acceptOf, FrameEnd, OPCODE, readFrame, upgradeAnswer, upgradeRequest } from "../support/websocket-frames.ts";
import type { Promised } from "./kit.ts";

const NO_UPGRADE = "it has no Upgrade, and WebSockets by RFC 8441 are not offered";

/** Promises about the user's own code. */
export const USER_CODE: readonly Promised[] = [
  {
    name: "a handler gets the request, its parameters and its id, and answers",
    async holds({ send, scheme }) {
      const response = await send(request("POST", "/handler/a%20b?q=%2F", "content"));
      expect(response.status).toBe(201);
      const said = JSON.parse(response.body.text) as Record<string, string>;
      const id = response.fields.one("x-request-id")!;
      const url = `${scheme}://gw.test/handler/a%20b?q=%2F`;
      expect(response.fields.one("content-length")).toBe(String(response.body.bytes));
      expect(said).toEqual({ name: "a b", method: "POST", url, body: "content", id });
    },
  },
  {
    name: "a handler that throws is 500, and its message stays inside",
    async holds({ send }) {
      const response = await send(get("/failing"));
      expect([response.status, problemOf(response).code]).toEqual([500, "proxy_internal_error"]);
      expect(response.body.text).not.toContain("secret of the inside");
    },
  },
  {
    name: "a handler's stream arrives event by event",
    async holds({ send }) {
      const response = await send(get("/ticking"));
      expect(response.body.text).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
      const times = response.body.arrivals.map(({ at }) => at);
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(60);
    },
  },
  {
    name: "hono's cors answers the preflight and marks the origin's answers",
    async holds({ send, origin }) {
      const path = ownPath("/shared");
      const fields = ["Origin: https://app.example.test", "Access-Control-Request-Method: PUT"];
      const preflight = await send(request("OPTIONS", path, "", ...fields));
      expect(preflight.status).toBe(204);
      expect(preflight.fields.one("access-control-allow-origin")).toBe("https://app.example.test");
      expect(origin.requestsTo(path).length).toBe(0);
      origin.at(path, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok");
      const response = await send(get(path, "Origin: https://app.example.test"));
      expect(response.fields.one("access-control-allow-origin")).toBe("https://app.example.test");
      expect(response.fields.all("set-cookie")).toEqual(["a=1", "b=2"]);
      expect(response.body.text).toBe("ok");
    },
  },
  {
    name: "middleware of the user's own may refuse, change the request, and change the answer",
    async holds({ send, origin }) {
      const path = ownPath("/guarded");
      const refused = await send(get(path));
      expect([refused.status, refused.body.text]).toEqual([403, "not without x-pass"]);
      expect(origin.requestsTo(path).length).toBe(0);
      const passed = await send(request("POST", path, "content", "X-Pass: me"));
      expect([passed.status, passed.fields.one("x-guard")]).toEqual([200, "passed"]);
      const received = await origin.requestTo(path);
      expect(received.fields.one("x-seen")).toBe("me");
      expect(received.body.text).toBe("content");
    },
  },
  {
    name: "middleware may answer with something else; the origin's content is not read then",
    async holds({ send, origin }) {
      const path = ownPath("/replaced");
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-A: 1\r\n\r\nonly this");
        await x.hang();
      });
      const response = await send(get(path));
      expect([response.body.text, response.fields.one("x-a")]).toEqual(["instead of 200", "1"]);
      expect(response.complete).toBe(true);
      const { connection } = await origin.requestTo(path);
      await until(() => connection.ending !== "open", "the origin's connection to end");
    },
  },
  {
    name: "what middleware guards stays guarded when the origin fails",
    async holds({ send, origin }) {
      const path = ownPath("/guarded");
      origin.at(path, (x) => x.reset());
      const response = await send(request("POST", path, "x", "X-Pass: me"));
      expect(response.status).toBe(502);
    },
  },
  {
    name: "a WebSocket passes both ways, with its close",
    except: { "HTTP/2": NO_UPGRADE },
    async holds({ connect, origin }) {
      const path = ownPath("/socket");
      origin.at(path, async (x) => {
        x.takeOver();
        await x.send(upgradeAnswer(x.request.fields.one("sec-websocket-key")!));
        const end = new FrameEnd(x, "server");
        for (;;) {
          const got = await readFrame(x.reader);
          if (got === undefined) return;
          await end.send(got.opcode, got.payload);
          if (got.opcode === OPCODE.close) return x.finish();
        }
      });
      using client = await connect();
      const key = Buffer.alloc(16, 7).toString("base64");
      await client.send(upgradeRequest(path, "", key));
      const response = await client.receive();
      expect(response.status).toBe(101);
      expect(response.fields.one("sec-websocket-accept")).toBe(acceptOf(key));
      const end = new FrameEnd(client, "client");
      for (const [opcode, payload] of [
        [OPCODE.text, "grüß"],
        [OPCODE.binary, Buffer.from([0, 255, 1])],
      ] as const) {
        await end.send(opcode, Buffer.from(payload));
        const echoed = await end.next();
        expect(echoed?.opcode).toBe(opcode);
        expect(echoed?.payload.equals(Buffer.from(payload))).toBe(true);
      }
      await end.sendClose(4000, "bye");
      const closing = await end.next();
      expect(closing?.opcode).toBe(OPCODE.close);
      expect(closing?.payload.subarray(0, 2)).toEqual(Buffer.from([4000 >> 8, 4000 & 255]));
    },
  },
  {
    name: "an origin's refusal of a WebSocket is passed on",
    except: { "HTTP/2": NO_UPGRADE },
    async holds({ send, origin }) {
      const path = ownPath("/socket");
      origin.at(path, "HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 2\r\n\r\nno");
      const response = await send(upgradeRequest(path));
      expect([response.status, response.fields.one("x-why"), response.body.text]).toEqual([403, "no", "no"]);
    },
  },
  {
    name: "where the config allows no upgrade the origin sees none",
    except: { "HTTP/2": NO_UPGRADE },
    async holds({ send, origin }) {
      const path = ownPath("/no-socket");
      const response = await send(upgradeRequest(path));
      expect(response.status).toBe(200);
      expect((await origin.requestTo(path)).fields.all("upgrade")).toEqual([]);
    },
  },
];
