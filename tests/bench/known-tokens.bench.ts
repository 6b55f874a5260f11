// What it costs to know a token again: by its text, as it is done, and by its SHA-256, as it could be. Run: bun tests/bench/known-tokens.bench.ts
import { KnownTokens } from "../../src/auth/jwt/known-tokens.ts";
import { latin1Text } from "../../src/http/latin1.ts";

const COUNT = 1000;
const TURNS = 300_000;
const HEAD = "GET /orders/1 HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer ";

const tokens = Array.from({ length: COUNT }, () =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(600))).toString("base64url"),
);
const heads = tokens.map((token) => Buffer.from(`${HEAD}${token}\r\n\r\n`, "latin1"));
const hash = (text: string): string => new Bun.CryptoHasher("sha256").update(text, "latin1").digest("hex");

const key = { kid: undefined, byAlgorithm: new Map(), mark: "", gone: false };
const known = new KnownTokens<object>({ count: 10_000, characters: 2 ** 24, lifetimeMs: 60_000 });
const hashed = new Map<string, object>();
for (const token of tokens) {
  known.keep(token, {}, key, 0, Infinity);
  hashed.set(hash(token), {});
}

/** Nanoseconds of `find` for a token that was just cut out of a request, as every request brings it. */
function measure(find: (token: string) => object | undefined): number {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const began = performance.now();
    for (let i = 0; i < TURNS; i++) {
      const head = heads[i % COUNT]!;
      const text = latin1Text(head, 0, head.length);
      if (find(text.slice(HEAD.length, -4)) === undefined) throw new Error("a token is not known");
    }
    best = Math.min(best, ((performance.now() - began) / TURNS) * 1e6);
  }
  return best;
}

const cutting = measure((token) => (token.length > 0 ? key : undefined));
for (const [name, find] of [
  ["by its text", (token: string) => known.get(token, 1)],
  ["by its SHA-256", (token: string) => hashed.get(hash(token))],
] as const) {
  console.log(`${name}: ${(measure(find) - cutting).toFixed(0)} ns for a token of ${tokens[0]!.length} characters`);
}
