// API keys that an operator revokes: at once, wherever they are written, over reloads, and only those.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MOST_REVOKED, revokedMemory, RevokedKeys } from "../../../src/auth/api-key/revoked-keys.ts";
import { apiKey } from "../../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { RevokedFileFault } from "../../../src/revoked-file.ts";
import { KeyControl } from "../../../src/key-control.ts";
import type { FakeFiles } from "../../../src/platforms/fake/files.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { planOf } from "../../config/support.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";

const digestOf = (key: string): Uint8Array => new Bun.CryptoHasher("sha256").update(key).digest();
const hashOf = (key: string): `sha256:${string}` => `sha256:${Buffer.from(digestOf(key)).toString("hex")}`;

describe("the list", () => {
  test("of one thread is the list of all: what was put there and not removed", () => {
    const key = fc.constantFrom("a", "b", "c", "d", "e");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key, fc.boolean())), (steps) => {
        const words = revokedMemory(true);
        const [writer, reader] = [new RevokedKeys(words), new RevokedKeys(words)];
        const model = new Set<string>();
        for (const [put, key, looks] of steps) {
          if (put) expect(writer.put(digestOf(key))).toBe(true);
          else writer.remove(digestOf(key));
          if (put) model.add(key);
          else model.delete(key);
          if (!looks) continue;
          for (const each of "abcdef") expect(reader.has(digestOf(each))).toBe(model.has(each));
        }
      }),
    );
  });

  test("takes so many and no more, and a place that is free again is used", () => {
    const revoked = new RevokedKeys(revokedMemory(false));
    for (let i = 0; i < MOST_REVOKED; i++) expect(revoked.put(digestOf(String(i)))).toBe(true);
    expect(revoked.put(digestOf("one more"))).toBe(false);
    expect(revoked.put(digestOf("7"))).toBe(true);
    revoked.remove(digestOf("7"));
    expect(revoked.put(digestOf("one more"))).toBe(true);
    expect(["7", "8", "one more"].map((key) => revoked.has(digestOf(key)))).toEqual([false, true, true]);
  });
});

const OPTIONS: GatewayOptions = {
  admin: {},
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: {
    acme: { keys: [{ hash: hashOf("acme-1"), id: "ci" }, hashOf("acme-2")] },
    beta: { keys: [{ hash: hashOf("beta-1"), id: "ci" }] },
  },
  keys: { file: "/keys.yaml" },
  auth: { key: apiKey() },
  routes: { all: { match: "/*", to: "up", auth: "key" } },
};
const FILE = (...keys: string[]): string =>
  ["consumers:", "  gamma:", "    keys:", ...keys.map((key) => `      - "${hashOf(key)}"`), ""].join("\n");
const KEYS = ["acme-1", "acme-2", "beta-1", "gamma-1", "gamma-2"];

/** Which of the keys are taken. */
function good(world: World): string[] {
  return KEYS.filter((key) => {
    const before = world.a.requests.length;
    world.ask("GET", "/", [`X-API-Key: ${key}`]);
    if (world.a.requests.length === before) return false;
    world.a.last.answer(200);
    world.settle();
    return true;
  });
}

const without = (...keys: string[]): string[] => KEYS.filter((key) => !keys.includes(key));

async function inStory(story: (world: World) => Promise<void>): Promise<void> {
  await inWorldOf(
    OPTIONS,
    async (world) => {
      await world.rest();
      expect(good(world)).toEqual(KEYS);
      await story(world);
      world.platform.notices.length = 0;
    },
    { "/keys.yaml": FILE("gamma-1", "gamma-2") },
  );
}

describe("a key is revoked at once, and no other, by", () => {
  test.each([
    ["itself", { key: "acme-2" }, ["acme-2"]],
    ["its hash", { hash: hashOf("acme-2").toUpperCase().replace("SHA", "sha") }, ["acme-2"]],
    ["its id and its consumer", { id: "ci", consumer: "beta" }, ["beta-1"]],
    ["the first digits of its hash", { id: hashOf("gamma-2").slice(7, 15) }, ["gamma-2"]],
    ["its consumer, with all others of it", { consumer: "gamma" }, ["gamma-1", "gamma-2"]],
    ["the name of another, which is nobody's", { id: "cd" }, []],
    ["the first digits of the hash of one that has a name", { id: hashOf("acme-1").slice(7, 15) }, []],
    ["a key that nobody has", { key: "acme-9" }, []],
  ])("%s", async (_, named, revoked) => {
    await inStory(async (world) => {
      const keys = world.gateway.keys!;
      const told = await keys.revoke(named);
      expect(told).toHaveLength(revoked.length);
      expect(good(world)).toEqual(without(...revoked));
      expect(keys.list()).toEqual(told);
      expect(world.platform.notices).toHaveLength(revoked.length);
      expect(await keys.restore(named)).toEqual(told);
      expect([good(world), keys.list()]).toEqual([KEYS, []]);
    });
  });
});

test("a name that several consumers' keys have revokes none of them", async () => {
  await inStory(async (world) => {
    const refused = await world.gateway.keys!.revoke({ id: "ci" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "http_request_error", publicDetail: expect.stringContaining("acme, beta") });
    expect(good(world)).toEqual(KEYS);
  });
});

test("what is no hash revokes and restores nothing", async () => {
  await inStory(async (world) => {
    const keys = world.gateway.keys!;
    for (const act of ["revoke", "restore"] as const) {
      for (const hash of ["sha256:00", hashOf("acme-2").slice(7), `${hashOf("acme-2")} `]) {
        const refused = await keys[act]({ hash }).catch((error: unknown) => error);
        expect(refused).toMatchObject({ code: "http_request_error" });
      }
    }
    expect(good(world)).toEqual(KEYS);
  });
});

test("the answer says whose it is, and where it is written; the refusal says why, to the operator alone", async () => {
  await inStory(async (world) => {
    const keys = world.gateway.keys!;
    const inConfig = (hash: string): string | undefined => (hashOf("acme-1").endsWith(hash) ? "c.ts:7" : undefined);
    const at = world.platform.wallClock();
    expect(await keys.revoke({ key: "acme-1" }, inConfig)).toEqual([
      { id: "ci", consumer: "acme", revokedAt: at, place: "c.ts:7" },
    ]);
    const id = hashOf("gamma-2").slice(7, 15);
    expect(await keys.revoke({ id }, inConfig)).toEqual([
      { id, consumer: "gamma", revokedAt: at, place: "/keys.yaml:5" },
    ]);
    const { answer } = world.ask("GET", "/", ["X-API-Key: acme-1"]);
    expect([answer.status, answer.body.includes("revoked")]).toEqual([401, false]);
    expect(world.records.at(-1)).toMatchObject({ "sluice.error.detail": "key: the API key ci is revoked" });
  });
});

test("it stays so over a reload and over a change of the key file, also for a key that comes back there", async () => {
  await inStory(async (world) => {
    await world.gateway.keys!.revoke({ consumer: "gamma" });
    await world.gateway.keys!.revoke({ key: "beta-1" });
    const rest = without("gamma-1", "gamma-2", "beta-1");
    world.reload({ ...OPTIONS, consumers: { ...OPTIONS.consumers, delta: {} }, auth: { key: apiKey({ realm: "x" }) } });
    await world.rest();
    expect(good(world)).toEqual(rest);
    for (const text of [FILE("gamma-2"), FILE("gamma-1", "gamma-2")]) {
      world.platform.files.write("/keys.yaml", text);
      await world.rest();
      expect(good(world)).toEqual(rest);
    }
    expect(world.gateway.keys!.list()).toHaveLength(3);
  });
});

test("while the key file is broken a key is revoked by itself or by its hash, and a name that may be there is refused", async () => {
  await inStory(async (world) => {
    world.platform.files.write("/keys.yaml", "consumers: 7\n");
    await world.rest();
    const keys = world.gateway.keys!;
    const refused = await keys.revoke({ consumer: "delta" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "authentication_unavailable" });
    expect(await keys.revoke({ key: "delta-1" })).toMatchObject([{ id: hashOf("delta-1").slice(7, 15) }]);
    await keys.revoke({ hash: hashOf("gamma-1") });
    await keys.revoke({ id: "ci", consumer: "acme" });
    expect(good(world)).toEqual(without("gamma-1", "acme-1"));
  });
});

test("of more keys than can be revoked at a time none is", async () => {
  await inStory(async (world) => {
    const many = Array.from({ length: MOST_REVOKED + 1 }, (_, i) => `gamma-${i}`);
    world.platform.files.write("/keys.yaml", FILE(...many));
    await world.until("the file", () => world.platform.notices.length > 0);
    const refused = await world.gateway.keys!.revoke({ consumer: "gamma" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "capacity_exhausted" });
    expect(good(world)).toEqual(KEYS);
  });
});

describe("the file", () => {
  const PATH = "/state/revoked";
  const kept = (text?: string): { files: FakeFiles; control: () => KeyControl } => {
    const platform = new FakePlatform();
    if (text !== undefined) platform.files.bytes.set(PATH, new TextEncoder().encode(text));
    const { keys: _, ...inside } = OPTIONS;
    const { auth } = planOf(inside);
    const control = (): KeyControl => new KeyControl(new RevokedKeys(revokedMemory(false)), () => auth, platform, PATH);
    return { files: platform.files, control };
  };
  const textOf = (files: FakeFiles): string => new TextDecoder().decode(files.bytes.get(PATH));

  test("hands on what was revoked and not restored to the next process", async () => {
    const { files, control } = kept();
    const first = control();
    first.load();
    await first.revoke({ consumer: "acme" });
    await first.revoke({ consumer: "beta" });
    await first.restore({ key: "acme-2" });
    const second = control();
    second.load();
    expect(second.list()).toEqual(first.list());
    expect(second.list().map(({ id, consumer }) => `${consumer} ${id}`)).toEqual(["acme ci", "beta ci"]);
    expect(textOf(files)).toContain(`\n${hashOf("acme-1")} `);
    expect(second.kept).toEqual({ path: PATH, failure: undefined });
    await second.restore({ id: "ci" });
    const third = control();
    third.load();
    expect(third.list()).toEqual([]);
  });

  const HEAD = "# API keys that were revoked over the admin listener: hash, time, id, consumer. Written by Sluice.\n";
  const LINE = `${hashOf("acme-1")} 2026-11-30T04:00:00.000Z ci acme\n`;
  test.each<[what: string, text: string, place: string, why: string]>([
    ["is empty", "", "1:1", "no whole file"],
    ["is another", "keys: []\n", "1:1", "no whole file"],
    ["is cut off", (HEAD + LINE).slice(0, -5), `2:${LINE.length - 4}`, "no whole file"],
    ["is cut off between lines", `${HEAD}${LINE}${LINE.slice(0, 40)}\n`, "3:1", "none of a revoked key"],
    ["has another time", `${HEAD}${LINE.replace("2026-11", "2026-13")}`, "2:73", "none of a revoked key"],
    ["has another hash", `${HEAD}${LINE.replace("sha256", "sha1")}`, "2:1", "none of a revoked key"],
    ["has another id", `${HEAD}${LINE.replace(" ci ", " c/i ")}`, "2:98", "none of a revoked key"],
    ["has no consumer", `${HEAD}${LINE.replace(" acme", " ")}`, "2:101", "none of a revoked key"],
    ["is not UTF-8", `${HEAD}${LINE.replace("acme", "a\ufffd")}`, "2:101", "none of a revoked key"],
    ["has too many", HEAD + LINE.repeat(MOST_REVOKED + 1), `${MOST_REVOKED + 2}:1`, `more than ${MOST_REVOKED}`],
  ])("that %s is refused with its place, and nothing opens", (_, text, place, why) => {
    let fault: unknown;
    try {
      kept(text).control().load();
    } catch (thrown) {
      fault = thrown;
    }
    expect(fault).toBeInstanceOf(RevokedFileFault);
    const { line, column, message } = fault as RevokedFileFault;
    expect(`${line}:${column}`).toBe(place);
    expect(message).toContain(why);
  });

  test("a file that cannot be written revokes all the same, and says so", async () => {
    const { files, control } = kept();
    files.replace = () => Promise.reject(new Error("EROFS"));
    const keys = control();
    expect(await keys.revoke({ key: "beta-1" })).toHaveLength(1);
    expect(keys.kept!.failure).toBe("EROFS");
  });
});
