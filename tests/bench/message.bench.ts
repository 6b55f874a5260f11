// What reading and writing a message costs, the socket left out: `bun tests/bench/message.bench.ts`.
import type { TargetPlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { BodyReader, chunkOf, lastChunk } from "../../src/http/framing.ts";
import { latin1Bytes, latin1Text } from "../../src/http/latin1.ts";
import { CHUNKED } from "../../src/http/message.ts";
import { readRequestHead } from "../../src/http/request-head.ts";
import { readResponseHead } from "../../src/http/response-head.ts";
import { admit } from "../../src/listen/admit.ts";
import { HeadReader } from "../../src/listen/head-reader.ts";
import { requestWriter } from "../../src/upstream/request.ts";

const LIMITS = { maxTarget: 8192, maxHead: 32768, maxFields: 100 };
const VARIANTS = 64;

/** What a browser sends, ten fields; different in each, as real requests are. */
const requestText = (i: number): string =>
  `GET /api/orders/${i * 7919}/items?page=${i}&sort=asc HTTP/1.1\r\nHost: api.example.com:8080\r\n` +
  "Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
  `Chrome/126.0.0.0 Safari/537.36\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate, br\r\n` +
  `Accept-Language: en-GB,en;q=0.9\r\nAuthorization: Bearer eyJhbGciOiJSUzI1NiJ9.${"x".repeat(200)}${i}\r\n` +
  `Cookie: session=${i}abcdef0123456789\r\nReferer: https://shop.example.com/orders/${i}\r\nX-Trace: ${i}-4711\r\n\r\n`;

/** What a service answers, ten fields. */
const responseText = (i: number): string =>
  "HTTP/1.1 200 OK\r\nDate: Wed, 25 Nov 2026 10:00:00 GMT\r\nServer: nginx/1.26.2\r\n" +
  `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${1000 + i}\r\nConnection: keep-alive\r\n` +
  `ETag: W/"${i}-4711abc"\r\nCache-Control: private, max-age=0\r\nVary: Accept-Encoding\r\n` +
  `X-Request-Cost: ${i}\r\nSet-Cookie: session=${i}abcdef0123456789; Path=/; HttpOnly\r\n\r\n`;

const variants = (text: (i: number) => string): Buffer[] =>
  Array.from({ length: VARIANTS }, (_, i) => Buffer.from(text(i), "latin1"));

/** Nanoseconds a call, the least of several rounds: other load on the machine only ever adds. */
function measure(call: (i: number) => unknown): number {
  const calls = 20_000;
  let best = Infinity;
  let kept: unknown;
  for (let round = 0; round < 25; round++) {
    const started = performance.now();
    for (let i = 0; i < calls; i++) kept = call(i & (VARIANTS - 1));
    best = Math.min(best, ((performance.now() - started) * 1e6) / calls);
  }
  if (kept === Symbol.for("never")) console.log(kept);
  return Math.round(best);
}

const requests = variants(requestText);
const plainRequests = requests.map((bytes) => Uint8Array.from(bytes));
const pieces = requests.map(
  (bytes) => [bytes.subarray(0, 100), bytes.subarray(100, 300), bytes.subarray(300)] as const,
);
const responses = variants(responseText);
const heads = requests.map((bytes) => readRequestHead(bytes, 0, LIMITS)!);
const exchanges = heads.map((head, i) => {
  const x = new Exchange(
    {
      method: head.method,
      target: head.target,
      scheme: "http",
      authority: "api.example.com:8080",
      version: "1.1",
      fields: head.fields,
      content: null,
      peer: "192.0.2.1",
    },
    0,
  );
  const query = head.target.indexOf("?");
  x.path = head.target.slice(0, query);
  x.query = head.target.slice(query);
  x.id = `0190a8f2-7c4e-4abc-8def-0123456789${i + 10}`;
  return x;
});
const writer = requestWriter({ host: "upstream" } as UpstreamPlan, undefined, "sluice-1234abcd");
const changing = requestWriter(
  { host: "upstream" } as UpstreamPlan,
  { remove: ["cookie"], set: [["X-Tenant", "t1"]] },
  "sluice-1234abcd",
);
const target = { authority: "10.0.0.1:9001" } as TargetPlan;
/** Makes a text flat, as writing it to a socket does: joined text costs what it costs only then. */
const into = Buffer.alloc(65_536);

const piece = Buffer.alloc(1024, 120);
const chunks = Buffer.concat([...Array.from({ length: 16 }, () => chunkOf(piece)), latin1Bytes(lastChunk(undefined))]);
const ends = responses.map((bytes) => bytes.length);
const { fields } = heads[0]!;

console.log(`request head ${requests[0]!.length} bytes, response head ${responses[0]!.length} bytes, 10 fields each`);
console.table(
  Object.entries({
    "request head": () => measure((i) => readRequestHead(requests[i]!, 0, LIMITS)),
    "request head, plain array (Deno)": () => measure((i) => readRequestHead(plainRequests[i]!, 0, LIMITS)),
    "request head, all values looked at": () =>
      measure((i) => {
        let sum = 0;
        for (const value of readRequestHead(requests[i]!, 0, LIMITS)!.fields.values) sum += value.charCodeAt(0);
        return sum;
      }),
    "request head through HeadReader": () => {
      const reader = new HeadReader(LIMITS);
      return measure((i) => {
        reader.add(requests[i]!);
        return reader.read();
      });
    },
    "request head through HeadReader, three pieces": () => {
      const reader = new HeadReader(LIMITS);
      return measure((i) => {
        let head;
        for (const part of pieces[i]!) {
          reader.add(part);
          head = reader.read();
        }
        return head;
      });
    },
    "response head": () => measure((i) => readResponseHead(responses[i]!, 0, LIMITS, "GET")),
    admit: () => measure((i) => admit(heads[i]!, false, "192.0.2.1", null)),
    "request written": () => measure((i) => into.write(writer.head(exchanges[i]!, target, ""), "latin1")),
    "request written, with changes of the config": () =>
      measure((i) => into.write(changing.head(exchanges[i]!, target, ""), "latin1")),
    "request read, admitted, written": () =>
      measure((i) => {
        const head = readRequestHead(requests[i]!, 0, LIMITS)!;
        const arrival = admit(head, false, "192.0.2.1", null);
        if (arrival instanceof Error) throw arrival;
        const x = new Exchange(arrival, 0);
        x.path = arrival.target;
        return into.write(writer.head(x, target, ""), "latin1");
      }),
    "16 chunks of 1 KiB read": () => measure(() => new BodyReader(CHUNKED).feed(chunks, 0, () => {})),
    "16 KiB of a sized body read": () => measure(() => new BodyReader(chunks.length).feed(chunks, 0, () => {})),
    "a chunk of 1 KiB written": () => measure(() => chunkOf(piece)),
    "latin1Text, a head": () => measure((i) => latin1Text(responses[i]!, 0, ends[i]!).length),
    "latin1Text, a head in a plain array": () => measure((i) => latin1Text(plainRequests[i]!, 0, 600).length),
    "latin1Bytes, 40 characters": () => measure((i) => latin1Bytes(heads[i]!.target)),
    "Fields.get, found": () => measure(() => fields.get("cookie")),
    "Fields.get, absent": () => measure(() => fields.get("x-absent")),
    "Fields.joined, found": () => measure(() => fields.joined("accept")),
    "Fields, ten lines added": () =>
      measure((i) => {
        const copy = new Fields();
        const { names, values } = heads[i]!.fields;
        for (let at = 0; at < names.length; at++) copy.add(names[at]!, values[at]!);
        return copy;
      }),
  }).map(([what, run]) => ({ what, ns: run() })),
);
