// Conformance: origins that are down, broken or slow.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, problemOf } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import type { Promised } from "./kit.ts";

const VAGUE = "its fetch says only that the connection was lost";

/** Promises about origins that fail. */
export const FAILURES: readonly Promised[] = [
  {
    name: "an origin that is down is 502 as a problem document, which tells nothing of the inside",
    async holds({ send, origin, runtime }) {
      const response = await send(get("/down"));
      expect(response.status).toBe(502);
      const { code } = problemOf(response);
      expect(code).toBe(runtime === "workerd" ? "connection_terminated" : "connection_refused");
      expect(response.fields.one("proxy-status")).toBe(`conforming; error=${code}`);
      expect(response.body.text).not.toContain("127.0.0.1");
      expect(response.body.text).not.toContain(String(origin.port));
    },
  },
  {
    name: "an origin that closes without an answer is 502 connection_terminated",
    async holds({ send, origin }) {
      for (const how of ["finish", "reset"] as const) {
        const path = ownPath("/all");
        origin.at(path, async (x) => {
          await x.body();
          x[how]();
        });
        const response = await send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1\r\n\r\nx`);
        expect([response.status, problemOf(response).code]).toEqual([502, "connection_terminated"]);
        expect(origin.requestsTo(path).length).toBe(1);
      }
    },
  },
  {
    name: "an answer that is no HTTP is 502",
    async holds({ send, origin, runtime }) {
      const path = ownPath("/all");
      origin.at(path, async (x) => {
        await x.send("this is no HTTP\r\n\r\n");
        x.finish();
      });
      const response = await send(get(path));
      expect(response.status).toBe(502);
      if (runtime !== "workerd") expect(problemOf(response).code).toBe("http_protocol_error");
    },
  },
  {
    name: "an origin that does not begin to answer in time is 504, and its request is ended",
    async holds({ send, origin }) {
      const path = ownPath("/slow");
      origin.at(path, (x) => x.hang());
      const response = await send(get(path));
      expect([response.status, problemOf(response).code]).toEqual([504, "http_response_timeout"]);
      const { connection } = await origin.requestTo(path);
      await until(() => connection.ending !== "open", "the origin's connection to end");
    },
  },
  {
    name: "an origin that stops in the middle of its answer is given up after the idle time",
    except: { workerd: "the content does not pass our hands there; the platform ends what stands still" },
    async holds({ send, origin }) {
      const path = ownPath("/idle");
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        await x.hang();
      });
      const response = await send(get(path));
      expect(response.complete).toBe(false);
    },
  },
  {
    name: "the access log tells how it ended",
    except: { workerd: VAGUE },
    async holds({ send, log }) {
      const id = (await send(get("/down"))).fields.one("x-request-id");
      const line = await until(() => log().find((entry) => entry["request_id"] === id), "the line of the access log");
      expect(line["http.response.status_code"]).toBe(502);
      expect(line["error.type"]).toBe("connection_refused");
    },
  },
];
