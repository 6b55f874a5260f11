// HTTP/2 of the listener: what is spoken by default, and which values are refused, where and with which words.
import { describe, expect, test } from "bun:test";
import { faultLines, planOf, withListen } from "./support.ts";

const PEMS = {
  "a.pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
  "a.key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
};
const tls = { certificates: { cert: "a.pem", key: "a.key" } };
const world = { files: PEMS };

test.each<readonly [listen: object, spoken: object | undefined]>([
  [{}, undefined],
  [{ tls }, { maxStreams: 128, h2c: false }],
  [{ http2: false }, undefined],
  [{ tls, http2: false }, undefined],
  [
    { tls, http2: true },
    { maxStreams: 128, h2c: false },
  ],
  [
    { tls, http2: {} },
    { maxStreams: 128, h2c: false },
  ],
  [
    { tls, http2: { maxStreams: 1 } },
    { maxStreams: 1, h2c: false },
  ],
  [{ http2: { h2c: true } }, { maxStreams: 128, h2c: true }],
])("%j speaks %j", (listen, spoken) => {
  expect(planOf(withListen(listen), world).listen.http2).toEqual(spoken as never);
});

describe("what is refused", () => {
  test.each<readonly [listen: object, path: string, words: string]>([
    [{ http2: true }, "http2", "tls beside http2, or h2c in it"],
    [{ http2: { maxStreams: 9 } }, "http2", "Clients agree on HTTP/2 in the TLS handshake."],
    [{ tls, http2: "on" }, "http2", "an object of options"],
    [{ tls, http2: { maxStreams: 0 } }, "http2.maxStreams", "a whole number from 1 to 65535"],
    [{ tls, http2: { maxStreams: "many" } }, "http2.maxStreams", "a whole number from 1 to 65535"],
    [{ tls, http2: { h2c: "yes" } }, "http2.h2c", "true or false"],
    [{ tls, http2: { maxStream: 1 } }, "http2.maxStream", 'Did you mean "maxStreams"?'],
  ])("%j", (listen, path, words) => {
    const line = faultLines(withListen(listen), world).find((each) => each.startsWith(`listen.${path}: `));
    expect(line).toContain(words);
  });
});
