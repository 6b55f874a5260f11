// Requests that try to get past a policy: spellings of paths, fields and heads that router and upstream may read differently.
import fc from "fast-check";

/** SHA-256 of a key, as a config has it. */
export const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const PATHS = ["/admin/s", "/admin", "/admin/", "/team/x", "/docs/7", "/api/x", "/open/x", "/team/ws", "/none"];

/** What a client may do to a path in the hope that router and upstream read it differently. */
const twist = fc.constantFrom<(path: string) => string>(
  (path) => path,
  (path) => path.toUpperCase(),
  (path) => path.replace("/", "//"),
  (path) => path.replaceAll("/", "\\"),
  (path) => `/open/..${path}`,
  (path) => `/open/%2e%2e${path}`,
  (path) => `/open/%2e%2e%2f${path.slice(1)}`,
  (path) => `/open/..;${path}`,
  (path) => `/open/..\\${path.slice(1)}`,
  (path) => `/api${path}`,
  (path) => `/api/..${path}`,
  (path) => `/api//${path}`,
  (path) => `/api/.${path}`,
  (path) => `/api%2f..${path}`,
  (path) => `/./${path}`,
  (path) => path.replace("d", "%64"),
  (path) => path.replace("e", "%2565"),
  (path) => path.replace("m", "%6D"),
  (path) => `${path}%00`,
  (path) => `${path}%0a`,
  (path) => `${path}/%2e`,
  (path) => `${path};a=b`,
  (path) => `${path}.json`,
  (path) => `${path}?/open/x`,
  (path) => `/open/x?${path}`,
  (path) => `/open/x#${path}`,
  (path) => `http://gw.test${path}`,
  (path) => `http://evil.test${path}`,
  (path) => `http:/${path}`,
  (path) => `http://gw.test/open/..${path}`,
  (path) => `//gw.test${path}`,
  (path) => path.slice(1),
  (path) => `${path}\t`,
  (path) => `${path}\u00a0`,
  (path) => path.replace("a", "\u00c1"),
  (path) => path.replace("/", "/%ef%bc%8f"),
  (path) => path.replace("/", "/%c0%af"),
);

const line = fc.constantFrom(
  "X-API-Key: K-BETA",
  "X-API-Key: k-good",
  "X-API-Key: K-GOO",
  "X-API-Key: K-GOOD ,x",
  'X-API-Key: "K-GOOD"',
  "X-API-Key: Bearer K-GOOD",
  `X-API-Key: ${hashOf("K-GOOD")}`,
  `X-API-Key: ${hashOf("K-GOOD").slice(7)}`,
  "X_API_Key: K-GOOD",
  "X.API.Key: K-GOOD",
  "X-API-Key : K-GOOD",
  "X-API-Key:\r\n K-GOOD",
  "Connection: X-API-Key",
  "Authorization: K-GOOD",
  "Authorization: ApiKey K-GOOD",
  "Authorization: Bearer K-GOOD",
  "Authorization: Basic Z29vZDpLLUdPT0Q=",
  "Cookie: X-API-Key=K-GOOD",
  "X-Consumer: good",
  "X-Original-URL: /open/x",
  "X-Rewrite-URL: /admin/s",
  "X-Forwarded-Prefix: /open",
  "X-Forwarded-Uri: /open/x",
  "X-Forwarded-For: 127.0.0.1",
  "X-HTTP-Method-Override: GET",
  "X-Middleware-Subrequest: middleware:middleware",
  "Origin: https://app.test",
  "Access-Control-Request-Method: GET",
  "Host: other.test",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "Expect: 100-continue",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Content-Length: 0",
  "Content-Length: 5",
);

/** A request that nobody should be let in with. */
export const attack = fc.record({
  method: fc.constantFrom(
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "OPTIONS",
    "get",
    "Get",
    "GETT",
    "FOO",
    "CONNECT",
    "TRACE",
    "QUERY",
    "PRI",
  ),
  path: fc.constantFrom(...PATHS),
  twist,
  version: fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/1.1", "HTTP/1.1", "HTTP/2.0", "http/1.1"),
  host: fc.constantFrom("Host: gw.test", "Host: gw.test", "host: GW.TEST:80", "Host: admin.test", "Host:"),
  lines: fc.uniqueArray(line, { maxLength: 5 }),
  rest: fc.constantFrom(
    "",
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\nX-API-Key: K-GOOD\r\n\r\n",
    "hello",
    "GET /admin/s HTTP/1.1\r\nHost: gw.test\r\n\r\n",
  ),
});

/** One of them. */
export type Attack = typeof attack extends fc.Arbitrary<infer T> ? T : never;

/** The bytes of an attack, which closes its connection. @param more field lines */
export function bytesOf({ method, path, twist, version, host, lines, rest }: Attack, ...more: string[]): Uint8Array {
  const head = [`${method} ${twist(path)} ${version}`, host, ...lines, ...more, "Connection: close"].join("\r\n");
  return new Uint8Array(Buffer.from(`${head}\r\n\r\n${rest}`, "latin1"));
}

/** What a server that resolves dots, also encoded ones, would make of a target. */
export function resolved(target: string): string {
  return new URL(`http://x${target.replaceAll(/%2e/gi, ".")}`).pathname;
}
