// Conformance: what the client sees of an origin's answer.
import { expect } from "bun:test";
import { gzipSync } from "node:zlib";
import { get, request } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import type { Promised } from "./kit.ts";

/** Promises about answers on their way to the client. */
export const ANSWERS: readonly Promised[] = [
  {
    name: "status and content pass unchanged",
    async holds({ send, origin }) {
      for (const status of [200, 201, 299, 300, 400, 404, 418, 499, 500, 503, 599]) {
        const path = ownPath("/all");
        origin.at(path, `HTTP/1.1 ${status} Any\r\nContent-Length: 4\r\n\r\nbody`);
        const response = await send(get(path));
        expect([response.status, response.body.text]).toEqual([status, "body"]);
      }
    },
  },
  {
    name: "a redirect of the origin is passed on, not followed",
    async holds({ send, origin }) {
      for (const status of [301, 302, 303, 307, 308]) {
        const path = ownPath("/all");
        origin.at(path, `HTTP/1.1 ${status} Any\r\nLocation: /all/special\r\nContent-Length: 0\r\n\r\n`);
        const response = await send(get(path));
        expect([response.status, response.fields.one("location")]).toEqual([status, "/all/special"]);
      }
    },
  },
  {
    name: "Server-Timing tells of the stages, behind what the origin says of its own",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      origin.at(path, "HTTP/1.1 200 OK\r\nServer-Timing: db;dur=7\r\nContent-Length: 0\r\n\r\n");
      const told = (await send(get(path))).fields.all("server-timing").join(", ");
      expect(told).toMatch(/^db;dur=7, upstream;dur=[\d.]+, total;dur=[\d.]+$/);
      const refused = await send(get("/key/x"));
      expect(refused.status).toBe(401);
      expect(refused.fields.all("server-timing").join(", ")).toMatch(/^auth;dur=[\d.]+, total;dur=[\d.]+$/);
    },
  },
  {
    name: "each Set-Cookie keeps its line",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const cookies = ["a=1; Expires=Wed, 25 Nov 2026 00:00:00 GMT", "b=2; Path=/", "a=3"];
      const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join("");
      origin.at(path, `HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`);
      expect((await send(get(path))).fields.all("set-cookie")).toEqual(cookies);
    },
  },
  {
    name: "field values pass unchanged, UTF-8 included",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const value = 'a "b", c; \xc3\xa9\t=~';
      origin.at(path, `HTTP/1.1 200 OK\r\nX-Value: ${value}\r\nContent-Length: 0\r\n\r\n`);
      expect((await send(get(path))).fields.one("x-value")).toBe(value);
    },
  },
  {
    name: "field values that are no UTF-8 pass byte for byte",
    except: { workerd: "it reads field values as UTF-8" },
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const value = "\xe9\xff";
      origin.at(path, `HTTP/1.1 200 OK\r\nX-Value: ${value}\r\nContent-Length: 0\r\n\r\n`);
      expect((await send(get(path))).fields.one("x-value")).toBe(value);
    },
  },
  {
    name: "fields that end at this hop are not passed on",
    except: { workerd: "its fetch keeps Connection to itself: what it names cannot be known" },
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const hop = "Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n";
      origin.at(path, `HTTP/1.1 200 OK\r\n${hop}X-End: 1\r\nContent-Length: 0\r\n\r\n`);
      const { fields } = await send(get(path));
      for (const name of ["x-hop", "proxy-authenticate"]) expect(fields.all(name)).toEqual([]);
      expect(fields.all("keep-alive")).not.toContain("timeout=5");
      expect(fields.one("x-end")).toBe("1");
    },
  },
  {
    name: "content with Content-Length keeps it",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const content = "0123456789".repeat(30_000);
      origin.at(path, `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`);
      const response = await send(get(path));
      expect(response.fields.one("content-length")).toBe("300000");
      expect(response.body.text).toBe(content);
    },
  },
  {
    name: "chunked content arrives whole",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      origin.at(
        path,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
      );
      const response = await send(get(path));
      expect([response.body.text, response.complete]).toEqual(["hello world", true]);
    },
  },
  {
    name: "content that only the end of the connection bounds arrives whole",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      origin.at(path, async (x) => {
        await x.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
        x.finish();
      });
      const response = await send(get(path));
      expect([response.body.text, response.complete]).toEqual(["until the end", true]);
    },
  },
  {
    name: "coded content is not touched",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const coded = gzipSync("text ".repeat(1000));
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: "x"\r\nContent-Length: ${coded.length}\r\n\r\n`;
      origin.at(path, Buffer.concat([Buffer.from(head), coded]));
      const response = await send(get(path, "Accept-Encoding: gzip"));
      expect(response.fields.one("content-encoding")).toBe("gzip");
      expect(response.fields.one("etag")).toBe('"x"');
      expect(response.body.content.equals(coded)).toBe(true);
      expect((await origin.requestTo(path)).fields.one("accept-encoding")).toBe("gzip");
    },
  },
  {
    name: "HEAD has the length of the content and no content",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      origin.at(path, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: 1\r\n\r\n");
      const response = await send(request("HEAD", path));
      expect(response.fields.one("content-length")).toBe("1234");
      expect(response.body.bytes).toBe(0);
      expect((await origin.requestTo(path)).method).toBe("HEAD");
    },
  },
  {
    name: "204 and 304 have no content and keep their fields",
    async holds({ send, origin }) {
      for (const status of [204, 304]) {
        const path = ownPath("/all");
        origin.at(path, `HTTP/1.1 ${status} Any\r\nETag: "y"\r\n\r\n`);
        const response = await send(get(path));
        expect([response.status, response.body.bytes, response.fields.one("etag")]).toEqual([status, 0, '"y"']);
        expect(response.fields.all("transfer-encoding")).toEqual([]);
      }
    },
  },
  {
    name: "an answer without Content-Type gets none",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      origin.at(path, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      expect((await send(get(path))).fields.all("content-type")).toEqual([]);
    },
  },
];
