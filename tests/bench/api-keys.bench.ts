// How long a look-up of an API key takes with 1,000, 100,000 and 1,000,000 keys, what they weigh, and how long their file
// takes to read: `bun tests/bench/api-keys.bench.ts`.
import { keyFileTurns, isContent, readKeyFile } from "../../src/auth/api-key/key-file.ts";
import { crc32 } from "../../src/auth/api-key/key-form.ts";
import { KeyTable } from "../../src/auth/api-key/key-table.ts";

const LOOKS = 200_000;
const ROUNDS = 7;

const keyOf = (i: number): Uint8Array => new TextEncoder().encode(`sk_0123456789abcdefgh_${i}`);
const digestOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(Bun.SHA256.hash(bytes).buffer);

/** Nanoseconds a call, the least of several rounds: other load on the machine only ever adds. */
function measure(call: (index: number) => unknown): number {
  let best = Infinity;
  let kept: unknown;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (let i = 0; i < LOOKS; i++) kept = call(i);
    best = Math.min(best, ((performance.now() - started) * 1e6) / LOOKS);
  }
  if (kept === Symbol.for("never")) console.log(kept);
  return Math.round(best);
}

/** Ten keys a consumer, each in the form that `sluice keys new` prints. */
function fileOf(count: number): string {
  const lines = ["consumers:"];
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) lines.push(`  consumer-${i / 10}:`, "    groups: [partner]", "    keys:");
    lines.push(`      - "sha256:${digestOf(keyOf(i)).toHex()}"`);
  }
  return `${lines.join("\n")}\n`;
}

/** The resident set after a full collection, in bytes. */
function memory(): number {
  Bun.gc(true);
  return process.memoryUsage().rss;
}

const rows: Record<string, string | number>[] = [];
for (const count of [1_000, 100_000, 1_000_000]) {
  const before = memory();
  const built = new KeyTable();
  for (let i = 0; i < count; i++) {
    built.add(digestOf(keyOf(i)), { owner: Math.floor(i / 10), expiresAt: undefined, id: undefined });
  }
  const table = KeyTable.of(built.columns);
  const grown = memory() - before;

  // Spread over the whole table, so that caches help no more than they do for callers of all kinds.
  const there = Array.from({ length: 4096 }, (_, i) => keyOf(Math.floor((i * count) / 4096)));
  const absent = Array.from({ length: 4096 }, (_, i) => keyOf(count + i));
  const digests = there.map(digestOf);
  const strange = absent.map(digestOf);
  for (const digest of digests) if (table.find(digest) < 0) throw new Error("a key is missing");
  for (const digest of strange) if (table.find(digest) >= 0) throw new Error("a key that nobody added");

  const text = fileOf(count);
  const context = { consumers: [], groups: ["partner"] };
  let started = performance.now();
  const result = readKeyFile(text, context);
  const readMs = performance.now() - started;
  if (!isContent(result)) throw new Error(JSON.stringify(result));
  let longest = 0;
  const turns = keyFileTurns(text, context);
  for (let done: boolean | undefined = false; done !== true;) {
    started = performance.now();
    done = turns.next().done;
    longest = Math.max(longest, performance.now() - started);
  }
  started = performance.now();
  crc32(text);
  const crcMs = performance.now() - started;
  rows.push({
    keys: count,
    "ns a look-up": measure((i) => table.find(digests[i & 4095]!)),
    "ns, unknown": measure((i) => table.find(strange[i & 4095]!)),
    "ns with SHA-256": measure((i) => table.find(digestOf(there[i & 4095]!))),
    "bytes a key": Math.round((table.byteLength / count) * 10) / 10,
    "rss MB": Math.round(grown / 1e5) / 10,
    "file MB": Math.round(text.length / 1e5) / 10,
    "read ms": Math.round(readMs),
    "longest turn ms": Math.round(longest * 10) / 10,
    "known again ms": Math.round(crcMs * 10) / 10,
  });
}
console.table(rows);
