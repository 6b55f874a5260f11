// Conformance: what the origin sees of a request.
import { expect } from "bun:test";
import { get, request } from "../support/messages.ts";
import { ownPath } from "../support/rig.ts";
import type { Promised } from "./kit.ts";

/** Promises about requests on their way to the origin. */
export const FORWARDING: readonly Promised[] = [
  {
    name: "path and query reach the origin byte for byte",
    async holds({ send, origin }) {
      const path = `${ownPath("/all")}/a%2Fb;c=d/%41/%zz/e+f,g/:@!$&'()*~`;
      const query = "?a=1&&b=%20&c=%C3%A9&d=x+y&e=?/:@,;";
      expect((await send(get(path + query))).status).toBe(200);
      expect((await origin.requestTo(path)).target).toBe(path + query);
    },
  },
  {
    name: "empty segments are kept",
    async holds({ send, origin }) {
      const path = `${ownPath("/all")}//x///y/`;
      await send(get(path));
      expect((await origin.requestTo(path)).target).toBe(path);
    },
  },
  {
    name: "stripPrefix takes the prefix away once",
    async holds({ send, origin }) {
      const path = ownPath("/strip");
      await send(get(`/strip${path}?q`));
      expect((await origin.requestTo(path)).target).toBe(`${path}?q`);
    },
  },
  {
    name: "replace puts parameters and the rest into a new path, as the client spelled them",
    async holds({ send, origin }) {
      await send(get("/replace/a%2Fb/c%20d/e?q=1"));
      expect((await origin.requestTo("/all/a%2Fb/x/c%20d/e")).target).toBe("/all/a%2Fb/x/c%20d/e?q=1");
    },
  },
  {
    name: "the origin sees its own authority as Host, and the client's in X-Forwarded-Host",
    async holds({ send, origin, scheme }) {
      const path = ownPath("/all");
      await send(get(path));
      const { fields } = await origin.requestTo(path);
      expect(fields.one("host")).toBe(origin.authority);
      expect(fields.one("x-forwarded-host")).toBe("gw.test");
      expect(fields.one("x-forwarded-proto")).toBe(scheme);
    },
  },
  {
    name: "what a client says of itself does not reach the origin; its address does",
    async holds({ send, origin, runtime, scheme }) {
      const path = ownPath("/all");
      const lies = [
        "X-Forwarded-For: 1.1.1.1",
        "Forwarded: for=1.1.1.1",
        "X-Real-IP: 1.1.1.1",
        `X-Forwarded-Proto: ${scheme === "http" ? "https" : "http"}`,
      ];
      await send(get(path, ...lies));
      const { fields } = await origin.requestTo(path);
      // workerd by itself does not tell who the client is; in front of it Cloudflare does.
      expect(fields.one("x-forwarded-for")).toBe(runtime === "workerd" ? "0.0.0.0" : "127.0.0.1");
      expect(fields.one("x-forwarded-proto")).toBe(scheme);
      expect(fields.all("forwarded")).toEqual([]);
      expect(fields.all("x-real-ip")).toEqual([]);
    },
  },
  {
    name: "the request id of the answer is the one that the origin saw",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const response = await send(get(path));
      const id = response.fields.one("x-request-id");
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      expect((await origin.requestTo(path)).fields.one("x-request-id")).toBe(id!);
    },
  },
  {
    name: "the gateway names itself in Via",
    async holds({ send, origin, version }) {
      const path = ownPath("/all");
      await send(get(path));
      expect((await origin.requestTo(path)).fields.all("via").at(-1)).toStartWith(`${version} conforming-`);
    },
  },
  {
    name: "fields that end at this hop are not passed on, nor those that Connection names",
    except: {
      workerd: "its listener keeps Connection to itself and drops only the fields it knows",
      "HTTP/2": "a request with a field of the connection is malformed",
    },
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const hop = [
        "Connection: x-hop, keep-alive",
        "X-Hop: 1",
        "Keep-Alive: timeout=5",
        "Proxy-Authorization: Basic eA==",
      ];
      await send(get(path, ...hop, "TE: trailers", "X-End: 1"));
      const { fields } = await origin.requestTo(path);
      for (const name of ["x-hop", "keep-alive", "proxy-authorization", "te"]) expect(fields.all(name)).toEqual([]);
      expect(fields.one("x-end")).toBe("1");
    },
  },
  {
    name: "proxy credentials end at this hop",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      await send(get(path, "Proxy-Authorization: Basic eA==", "Authorization: Bearer x"));
      const { fields } = await origin.requestTo(path);
      expect(fields.all("proxy-authorization")).toEqual([]);
      expect(fields.one("authorization")).toBe("Bearer x");
    },
  },
  {
    name: "field values reach the origin unchanged, UTF-8 included",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const value = 'a "b", c; \xc3\xa9\t=~';
      await send(get(path, `X-Value: ${value}`));
      expect((await origin.requestTo(path)).fields.one("x-value")).toBe(value);
    },
  },
  {
    name: "field values that are no UTF-8 reach the origin byte for byte",
    except: { workerd: "it reads field values as UTF-8" },
    async holds({ send, origin }) {
      const path = ownPath("/all");
      const value = "\xe9\xff";
      await send(get(path, `X-Value: ${value}`));
      expect((await origin.requestTo(path)).fields.one("x-value")).toBe(value);
    },
  },
  {
    name: "names keep their spelling, and repeated fields their lines",
    except: { workerd: "its Headers keep neither" },
    async holds({ send, origin, version }) {
      const path = ownPath("/all");
      await send(get(path, "X-CaSe: 1", "x-case: 2"));
      const lines = (await origin.requestTo(path)).fields.lines.filter(({ name }) => /x-case/i.test(name));
      expect(lines).toEqual([
        { name: version === "2.0" ? "x-case" : "X-CaSe", value: "1" },
        { name: "x-case", value: "2" },
      ]);
    },
  },
  {
    name: "one Cookie line passes unchanged",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      await send(get(path, "Cookie: a=1; b=x,y; c=%20"));
      expect((await origin.requestTo(path)).fields.one("cookie")).toBe("a=1; b=x,y; c=%20");
    },
  },
  {
    name: "nothing is invented: no User-Agent, no Accept-Encoding",
    async holds({ send, origin }) {
      const path = ownPath("/all");
      await send(get(path));
      const { fields } = await origin.requestTo(path);
      for (const name of ["accept", "accept-encoding", "accept-language"]) expect(fields.all(name)).toEqual([]);
      expect(fields.all("user-agent").filter((value) => value !== "")).toEqual([]);
    },
  },
  {
    name: "the config's changes are made to fields of request and answer; secrets come from the environment",
    async holds({ send, origin }) {
      const path = ownPath("/changed");
      origin.at(path, "HTTP/1.1 200 OK\r\nX-Internal: 1\r\nX-Out: origin\r\nContent-Length: 0\r\n\r\n");
      const response = await send(get(path, "X-Private: 1", "X-Set: by the client"));
      const { fields } = await origin.requestTo(path);
      expect(fields.all("x-private")).toEqual([]);
      expect(fields.all("x-set")).toEqual(["by the gateway"]);
      expect(fields.one("x-key")).toBe("the key of the tests");
      expect(response.fields.all("x-internal")).toEqual([]);
      expect(response.fields.all("x-out")).toEqual(["set"]);
    },
  },
  {
    name: "any method passes",
    async holds({ send, origin }) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"]) {
        const path = ownPath("/all");
        expect((await send(request(method, path, method === "GET" ? "" : "x"))).status, method).toBe(200);
        expect((await origin.requestTo(path)).method).toBe(method);
      }
    },
  },
  {
    name: "TRACE and CONNECT are refused",
    async holds({ send, origin }) {
      const before = origin.requests.length;
      for (const head of ["TRACE /all/x", "CONNECT gw.test:80"]) {
        const response = await send(`${head} HTTP/1.1\r\nHost: gw.test\r\n\r\n`);
        expect(response.status, head).toBeGreaterThanOrEqual(400);
      }
      expect(origin.requests.length).toBe(before);
    },
  },
];
