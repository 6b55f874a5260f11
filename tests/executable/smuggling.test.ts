// GW-55, GW-56: what two readers could read differently is refused, and no upstream ever sees the hidden request.
import { expect, test } from "bun:test";
import { elapse } from "../support/deadline.ts";
import { ownPath, withGateway } from "../support/rig.ts";

const HIDDEN = "GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n";
/** A request whose fields are these, followed by what a careless reader takes for its body or the next request. */
const post = (fields: string, behind = `0\r\n\r\n${HIDDEN}`, version = "1.1"): string =>
  `POST /probe HTTP/${version}\r\nHost: gw.test\r\n${fields}\r\n${behind}`;
const TE = "Transfer-Encoding: chunked\r\n";
const MALFORMED = [400];

withGateway(
  "an ambiguous request",
  {
    origins: { u1: {} },
    config: ({ u1 }) => ({ upstreams: { u1: { targets: [u1.url] } }, routes: { all: { match: "/*", to: "u1" } } }),
  },
  (rig) => {
    const probes: [what: string, raw: string, statuses: number[]][] = [
      ["length and coding", post(`Content-Length: 4\r\n${TE}`), MALFORMED],
      ["coding and length", post(`${TE}Content-Length: 4\r\n`), MALFORMED],
      ["length 0 and coding", post(`Content-Length: 0\r\n${TE}`), MALFORMED],
      ["gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), MALFORMED],
      ["chunked, identity", post("Transfer-Encoding: chunked, identity\r\n"), MALFORMED],
      ["identity", post("Transfer-Encoding: identity\r\n"), MALFORMED],
      ["identity and length", post("Transfer-Encoding: identity\r\nContent-Length: 4\r\n"), MALFORMED],
      ["xchunked", post("Transfer-Encoding: xchunked\r\n"), MALFORMED],
      ["quoted chunked", post('Transfer-Encoding: "chunked"\r\n'), MALFORMED],
      ["chunked with a parameter", post("Transfer-Encoding: chunked;a=b\r\n"), MALFORMED],
      ["chunked behind a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n"), MALFORMED],
      ["chunked with a NUL", post("Transfer-Encoding: chunked\0\r\n"), MALFORMED],
      ["chunked twice in a line", post("Transfer-Encoding: chunked, chunked\r\n"), MALFORMED],
      ["chunked on two lines", post(TE + TE), MALFORMED],
      ["chunked and another line", post(`${TE}Transfer-Encoding: x\r\n`), MALFORMED],
      ["another line and chunked", post(`Transfer-Encoding: x\r\n${TE}`), MALFORMED],
      ["an empty coding", post("Transfer-Encoding:\r\nContent-Length: 4\r\n"), MALFORMED],
      ["an empty coding alone", post("Transfer-Encoding:\r\n"), MALFORMED],
      ["a comma for a coding", post("Transfer-Encoding: ,\r\n"), MALFORMED],
      ["coding in HTTP/1.0", post(TE, undefined, "1.0"), MALFORMED],
      ["coding and length in HTTP/1.0", post(`${TE}Content-Length: 4\r\n`, undefined, "1.0"), MALFORMED],
      ["two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n"), MALFORMED],
      ["the same length twice", post("Content-Length: 4\r\nContent-Length: 4\r\n"), MALFORMED],
      ["a list of lengths", post("Content-Length: 4, 4\r\n"), MALFORMED],
      ["+4", post("Content-Length: +4\r\n"), MALFORMED],
      ["-4", post("Content-Length: -4\r\n"), MALFORMED],
      ["0x4", post("Content-Length: 0x4\r\n"), MALFORMED],
      ["4a", post("Content-Length: 4a\r\n"), MALFORMED],
      ["4 4", post("Content-Length: 4 4\r\n"), MALFORMED],
      ["4e0", post("Content-Length: 4e0\r\n"), MALFORMED],
      ["4.0", post("Content-Length: 4.0\r\n"), MALFORMED],
      ["an empty length", post("Content-Length:\r\n"), MALFORMED],
      ["a length beyond 64 bits", post("Content-Length: 18446744073709551620\r\n"), MALFORMED],
      ["a length in another script", post("Content-Length: \xd9\xa4\r\n"), MALFORMED],
      ["space before the colon", post("Transfer-Encoding : chunked\r\nContent-Length: 4\r\n"), MALFORMED],
      ["tab before the colon", post("Transfer-Encoding\t: chunked\r\nContent-Length: 4\r\n"), MALFORMED],
      ["a folded value", post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n"), MALFORMED],
      ["a folded value, tab", post("X: a\r\n\tb\r\n"), MALFORMED],
      ["a first field line that begins with a space", "POST /probe HTTP/1.1\r\n Host: gw.test\r\n\r\n", MALFORMED],
      ["a space before the first name", `POST /probe HTTP/1.1\r\n X: a\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["an empty name", post(": x\r\n"), MALFORMED],
      ["no colon", post("nonsense\r\n"), MALFORMED],
      ["a NUL in a value", post("X: a\0b\r\n"), MALFORMED],
      ["a NUL in a name", post("X\0: a\r\n"), MALFORMED],
      ["a bare CR in a value", post("X: a\rTransfer-Encoding: chunked\r\n"), MALFORMED],
      ["a bare CR at the end of a line", post("X: a\r\r\n"), MALFORMED],
      ["a bare LF in a value", post("X: a\nTransfer-Encoding: chunked\r\n"), MALFORMED],
      ["a bare LF as line end", `POST /probe HTTP/1.1\nHost: gw.test\n\n${HIDDEN}`, MALFORMED],
      ["a bare LF behind the request line", `POST /probe HTTP/1.1\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["a bare LF before the body", post("Content-Length: 4\r\n\n"), MALFORMED],
      ["an escape in a value", post("X: a\x1bb\r\n"), MALFORMED],
      ["a DEL in a value", post("X: a\x7fb\r\n"), MALFORMED],
      ["a parenthesis in a name", post("X(a): b\r\n"), MALFORMED],
      ["a byte above ASCII in a name", post("X\xe9: b\r\n"), MALFORMED],
      ["a slash in a name", post("X/a: b\r\n"), MALFORMED],
      ["a space in the method", `PO ST /probe HTTP/1.1\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["a tab for a space", `POST\t/probe HTTP/1.1\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["two spaces", `POST  /probe HTTP/1.1\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["a space behind the version", `POST /probe HTTP/1.1 \r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["no version", `POST /probe\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
      ["a lower-case version", `POST /probe http/1.1\r\nHost: gw.test\r\n\r\n${HIDDEN}`, [400, 505]],
      ["HTTP/1.2", `POST /probe HTTP/1.2\r\nHost: gw.test\r\n\r\n${HIDDEN}`, [400, 505]],
      ["HTTP/2.0", `POST /probe HTTP/2.0\r\nHost: gw.test\r\n\r\n${HIDDEN}`, [400, 505]],
      ["HTTP/1.10", `POST /probe HTTP/1.10\r\nHost: gw.test\r\n\r\n${HIDDEN}`, [400, 505]],
      ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]],
      ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", MALFORMED],
      ["spaces before the request line", `  POST /probe HTTP/1.1\r\nHost: gw.test\r\n\r\n${HIDDEN}`, MALFORMED],
    ];
    test.each(probes)("%s: refused, closed, and nothing behind it is read", async (_, raw, statuses) => {
      rig.origins.u1.clear();
      using client = await rig.connect();
      await client.send(raw);
      const responses = await client.receiveAll({ timeoutMs: 3000, method: "POST" });
      expect(responses).toHaveLength(1);
      expect(statuses).toContain(responses[0]!.status);
      expect(responses[0]!.fields.one("content-type")).toBe("application/problem+json");
      await client.closed();
      expect(rig.origins.u1.requests).toHaveLength(0);
    });

    // Beyond GW-58: the same framings in other places.
    const chunks: [what: string, body: string][] = [
      ["CR and something else behind the data", `2\r\nab\rX0\r\n\r\n${HIDDEN}`],
      ["CR and something else behind the size", `2\rXab\r\n0\r\n\r\n${HIDDEN}`],
      ["a space before the size", ` 2\r\nab\r\n0\r\n\r\n${HIDDEN}`],
      ["a space before the last size", `2\r\nab\r\n 0\r\n\r\n${HIDDEN}`],
      ["a NUL in an extension", `2;a\0b\r\nab\r\n0\r\n\r\n${HIDDEN}`],
      ["an extension without end", `2;${"a".repeat(100_000)}\r\nab\r\n0\r\n\r\n${HIDDEN}`],
      ["a size of zeros without end", `${"0".repeat(100_000)}2\r\nab\r\n0\r\n\r\n${HIDDEN}`],
      ["a bare LF before the trailers' end", `2\r\nab\r\n0\r\nX: 1\n\r\n${HIDDEN}`],
      ["a bare LF for the trailers' end", `2\r\nab\r\n0\r\nX: 1\r\n\n${HIDDEN}`],
      ["a second chunk that is longer than its size", `2\r\nab\r\n2\r\nabc\r\n0\r\n\r\n${HIDDEN}`],
    ];
    test.each(chunks)("chunks with %s: refused, closed, and never whole at the upstream", async (_, body) => {
      rig.origins.u1.clear();
      using client = await rig.connect();
      void client.send(post(TE, body));
      const responses = await client.receiveAll({ timeoutMs: 3000, method: "POST" });
      expect(responses.map((response) => response.status)).toEqual(MALFORMED);
      await client.closed();
      expect(rig.origins.u1.requests.filter((seen) => seen.complete || seen.target !== "/probe")).toEqual([]);
    });

    const clean: [what: string, fields: string, behind: string, body: string][] = [
      ["chunked in capitals", "TRANSFER-ENCODING: CHUNKED\r\n", "2\r\nab\r\n0\r\n\r\n", "ab"],
      ["chunked with spaces around", "Transfer-Encoding: \t chunked \t\r\n", "2\r\nab\r\n0\r\n\r\n", "ab"],
      ["a length with leading zeros", "Content-Length: 0002\r\n", "ab", "ab"],
      ["a body that looks like a request", `Content-Length: ${HIDDEN.length}\r\n`, HIDDEN, HIDDEN],
      [
        "an alias of a framing field",
        "Content_Length: 40\r\nTransfer_Encoding: chunked\r\nContent-Length: 2\r\n",
        "ab",
        "ab",
      ],
    ];
    test.each(clean)("%s: read as one reads it, and the connection stays in step", async (_, fields, behind, body) => {
      rig.origins.u1.clear();
      const next = ownPath();
      using client = await rig.connect();
      await client.send(`${post(fields, behind)}GET ${next} HTTP/1.1\r\nHost: gw.test\r\n\r\n`);
      expect([(await client.receive()).status, (await client.receive()).status]).toEqual([200, 200]);
      expect(rig.origins.u1.requests.map((seen) => seen.target)).toEqual(["/probe", next]);
      const [seen] = rig.origins.u1.requests;
      expect(seen!.body.text).toBe(body);
      expect(seen!.framingFields).toHaveLength(1);
      expect(seen!.fields.all("content_length")).toEqual([]);
    });

    test("two clients never get each other's answers, whatever a third sends", async () => {
      const stop = { yes: false };
      const attacker = (async () => {
        while (!stop.yes) {
          using client = await rig.connect();
          await client.send(probes[Math.floor(Math.random() * probes.length)]![1]);
          await client.receiveAll({ timeoutMs: 500 });
        }
      })();
      const victims = Array.from({ length: 2 }, async () => {
        using client = await rig.connect();
        for (let i = 0; i < 100; i++) {
          const path = ownPath();
          rig.origins.u1.at(path, `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
          await client.send(`POST ${path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 3\r\n\r\nabc`);
          expect((await client.receive()).body.text).toBe(path);
          await elapse(1);
        }
      });
      await Promise.all(victims);
      stop.yes = true;
      await attacker;
      expect(rig.origins.u1.requestsTo("/smuggled")).toHaveLength(0);
    });
  },
);
