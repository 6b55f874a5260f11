// Conformance: content that streams, in both directions, and ends that come too early.
import { expect } from "bun:test";
import { until } from "../support/deadline.ts";
import { get, request } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import type { Promised } from "./kit.ts";

/** Promises about streams. */
export const BODIES: readonly Promised[] = [
  {
    name: "an upload with Content-Length reaches the origin whole, and keeps its length",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const content = "0123456789".repeat(50_000);
      expect((await send(request("POST", path, content))).status).toBe(200);
      const received = await origin.requestTo(path);
      expect(received.body.text).toBe(content);
      expect(received.fields.one("content-length")).toBe("500000");
    },
  },
  {
    name: "a chunked upload reaches the origin whole",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const head = `POST ${path} HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n`;
      expect((await send(`${head}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`)).status).toBe(200);
      expect((await origin.requestTo(path)).body.text).toBe("hello world");
    },
  },
  {
    name: "an upload passes while it is still being sent",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      using client = await connect();
      await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\n01234`);
      await until(() => origin.requestsTo(path)[0]?.body.bytes === 5 || undefined, "the first half at the origin");
      await client.send("56789");
      expect((await client.receive()).status).toBe(200);
    },
  },
  {
    name: "a request without content has none at the origin",
    async holds({ send, origin }) {
      for (const method of ["GET", "DELETE", "OPTIONS"]) {
        const path = ownPath("/all");
        await send(request(method, path));
        const { fields, body } = await origin.requestTo(path);
        expect(fields.all("transfer-encoding"), method).toEqual([]);
        expect(body.bytes).toBe(0);
      }
    },
  },
  {
    name: "an answer passes event by event",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      let events = 0;
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (let event = 0; event < 3; event++) {
          await x.chunk(`data: ${event}\n\n`);
          // The next one only when the client has this one: nobody may wait for more.
          await until(() => events > event, `event ${event} at the client`);
        }
        await x.send("0\r\n\r\n");
      });
      using client = await connect();
      await client.send(get(path));
      const response = await client.receive({
        onHead: (answer) =>
          void until(() => {
            events = answer.body.text.split("\n\n").length - 1;
            return events === 3;
          }, "three events"),
      });
      expect(response.body.text).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
    },
  },
  {
    name: "the head of an answer passes before its content",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      let seen = false;
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        await until(() => seen, "the head at the client");
        await x.send("later");
      });
      using client = await connect();
      await client.send(get(path));
      const response = await client.receive({ onHead: () => void (seen = true) });
      expect(response.body.text).toBe("later");
    },
  },
  {
    name: "an answer that breaks off never looks whole",
    async holds({ send, origin }) {
      const heads = ["Content-Length: 100\r\n\r\nonly this", "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"];
      for (const head of heads) {
        for (const how of ["finish", "reset"] as const) {
          const path = ownPath("/all");
          origin.at(path, async (x) => {
            await x.send(`HTTP/1.1 200 OK\r\n${head}`);
            await x.wait(50);
            x[how]();
          });
          const response = await send(get(path));
          expect(response.complete, `${head} ${how}`).toBe(false);
        }
      }
    },
  },
  {
    name: "a client that leaves ends the request at the origin",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      origin.at(path, (x) => x.hang());
      const client = await connect();
      await client.send(get(path));
      const received = await origin.requestTo(path);
      client.reset();
      await until(() => received.connection.ending !== "open", "the origin's connection to end");
    },
  },
  {
    name: "a client that leaves in the middle of an answer ends it at the origin",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (await x.chunk("x".repeat(1000))) if (!(await x.wait(5))) return;
      });
      const client = await connect();
      await client.send(get(path));
      await client.receiveBytes(2000);
      const received = origin.requestsTo(path)[0]!;
      client.reset();
      await until(() => received.connection.ending !== "open" || received.connection.closed, "the origin to be told");
    },
  },
  {
    name: "an upload that breaks off never looks whole to the origin",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      const client = await connect();
      await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 100\r\n\r\npart`);
      const received = await until(() => origin.requestsTo(path)[0], "the request at the origin");
      client.reset();
      await until(() => received.connection.ending !== "open", "the origin's connection to end");
      expect(received.complete).toBe(false);
    },
  },
  {
    name: "a client that reads slowly slows the origin down",
    async holds({ connect, origin }) {
      const path = ownPath("/all");
      let sent = 0;
      const piece = Buffer.alloc(1024 * 1024);
      origin.at(path, async (x) => {
        await x.send(`HTTP/1.1 200 OK\r\nContent-Length: ${100 * piece.length}\r\n\r\n`);
        // False, not an error, when the gateway leaves while a piece waits.
        while (sent < 100 && (await x.send(piece))) sent += 1;
      });
      using client = await connect();
      await client.send(get(path));
      await client.receiveBytes(100);
      client.pause();
      await until(() => origin.requestsTo(path)[0]?.connection.closed === true || sent > 0, "the origin to send");
      let before = -1;
      await until(async () => {
        const stands = before === sent;
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 150));
        return stands;
      }, "the origin to stand still");
      expect(sent).toBeLessThan(60);
    },
  },
];
