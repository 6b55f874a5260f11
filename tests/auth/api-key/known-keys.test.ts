// A key file that changes while the gateway runs: applied as a whole, or not at all and told.
import { describe, expect, test } from "bun:test";
import { knownKeys } from "../../../src/auth/api-key/known-keys.ts";
import { apiKey } from "../../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { resolvePlan } from "../../../src/config/resolve.ts";
import { fieldOf } from "../../../src/platforms/fake/messages.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: { inside: { groups: ["staff"], keys: [hashOf("inside-1")] } },
  keys: { file: "/keys.yaml", groups: ["partner"] },
  auth: { key: apiKey(), other: apiKey({ header: "X-Other-Key" }) },
  routes: {
    all: { match: "/all/*", to: "up", auth: ["key", "other"] },
    partners: { match: "/partners/*", to: "up", auth: "key", allow: { groups: ["partner"] } },
    acme: { match: "/acme/*", to: "up", auth: "key", allow: { consumers: ["acme"] } },
  },
};

const file = (consumers: Readonly<Record<string, readonly string[]>>, groups = "[partner]"): string =>
  [
    "consumers:",
    ...Object.entries(consumers).flatMap(([name, keys]) => [
      `  ${name}:`,
      ...(name === "inside" ? [] : [`    groups: ${groups}`]),
      "    keys:",
      ...keys.map((key) => `      - "${hashOf(key)}"`),
    ]),
    "",
  ].join("\n");

const FIRST = file({ acme: ["acme-1", "acme-2"], inside: ["inside-2"] });

/** Who calls with this key, as the upstream is told; the status when nobody does. */
function callerOf(world: World, key: string, path = "/all/1", field = "X-API-Key"): string | number {
  const before = world.a.requests.length;
  const client = world.ask("GET", path, [`${field}: ${key}`]);
  if (world.a.requests.length === before) return client.answer.status;
  const name = fieldOf(world.a.last.request, "x-consumer")!;
  world.a.last.answer(200);
  world.settle();
  return name;
}

/** Writes the file and waits until it was read. */
async function rewrite(world: World, text: string | undefined): Promise<string[]> {
  world.platform.files.write("/keys.yaml", text);
  await world.rest();
  return world.platform.notices.splice(0).map((notice) => `${notice.level}: ${notice.text}`);
}

describe("keys of a file", () => {
  test("are as good as those of the config, for every scheme", async () => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        await world.rest();
        expect(["acme-1", "acme-2", "inside-1", "inside-2", "acme-3"].map((key) => callerOf(world, key))).toEqual([
          ...["acme", "acme", "inside", "inside"],
          401,
        ]);
        expect(callerOf(world, "acme-1", "/all/1", "X-Other-Key")).toBe("acme");
        expect(world.platform.notices).toEqual([]);
      },
      { "/keys.yaml": FIRST },
    );
  });

  test("bring their consumers and groups with them, and what the config says of a consumer holds", async () => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        expect(callerOf(world, "acme-1", "/partners/1")).toBe("acme");
        expect(callerOf(world, "acme-1", "/acme/1")).toBe("acme");
        expect(callerOf(world, "inside-2", "/partners/1")).toBe(403);
        await world.rest();
      },
      { "/keys.yaml": FIRST },
    );
  });

  test("are taken back and given by a change of the file, without a restart", async () => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        expect(callerOf(world, "acme-1")).toBe("acme");
        expect(await rewrite(world, file({ beta: ["beta-1"], acme: ["acme-2"] }))).toEqual([
          "info: /keys.yaml: 3 API keys are good from now on.",
        ]);
        expect(["acme-1", "acme-2", "beta-1", "inside-1", "inside-2"].map((key) => callerOf(world, key))).toEqual([
          ...[401, "acme", "beta", "inside"],
          401,
        ]);
        expect(await rewrite(world, "consumers: {}\n")).toHaveLength(1);
        expect(callerOf(world, "acme-2")).toBe(401);
        expect(callerOf(world, "inside-1")).toBe("inside");
      },
      { "/keys.yaml": FIRST },
    );
  });

  test("change their groups with the file, also for callers that are known", async () => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        expect(callerOf(world, "acme-1", "/partners/1")).toBe("acme");
        await rewrite(world, file({ acme: ["acme-1"] }, "[staff]"));
        expect(callerOf(world, "acme-1", "/partners/1")).toBe(403);
      },
      { "/keys.yaml": FIRST },
    );
  });

  const BROKEN: [what: string, text: string | undefined, notice: string][] = [
    [
      "empty",
      "",
      "error: /keys.yaml:1:1: wanted an object `consumers` and nothing else. A file without any is `consumers: {}`. The keys stay as they were.",
    ],
    [
      "cut off",
      FIRST.slice(0, -20),
      "error: /keys.yaml:9:63: wanted YAML in which every quote and bracket is closed. The keys stay as they were.",
    ],
    [
      "of a group that nobody knows",
      file({ acme: ["acme-9"] }, "[root]"),
      "error: /keys.yaml:3:14: wanted a group that the config knows. The config knows partner, staff. Another is named in keys.groups of the config. The keys stay as they were.",
    ],
    ["gone", undefined, "error: /keys.yaml: it cannot be read (no such file: /keys.yaml). The keys stay as they were."],
  ];
  test.each(BROKEN)("stay as they were when the file is %s, and the operator is told", async (_, text, notice) => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        expect(await rewrite(world, text)).toEqual([notice]);
        expect(callerOf(world, "acme-1")).toBe("acme");
        expect(callerOf(world, "acme-9")).toBe(401);
        expect(await rewrite(world, text)).toEqual(text === undefined ? [notice] : []);
        expect(await rewrite(world, FIRST)).toEqual(["info: /keys.yaml: it is again as it was; 4 API keys are good."]);
        expect(await rewrite(world, file({ acme: ["acme-9"] }))).toHaveLength(1);
        expect(callerOf(world, "acme-9")).toBe("acme");
      },
      { "/keys.yaml": FIRST },
    );
  });

  test("are watched once, and no more when the gateway ends", async () => {
    let ended: World | undefined;
    await inWorldOf(
      OPTIONS,
      async (world) => {
        ended = world;
        expect(world.platform.files.watchers("/keys.yaml")).toBe(1);
        await world.rest();
      },
      { "/keys.yaml": FIRST },
    );
    expect(ended!.platform.files.watchers("/keys.yaml")).toBe(0);
  });

  test("that were changed between the plan and the start are read", async () => {
    const reader = { env: () => undefined, file: () => FIRST, locate: (path: string) => path };
    const platform = new FakePlatform();
    platform.files.write("/keys.yaml", file({ acme: ["acme-9"] }));
    const known = knownKeys(resolvePlan(OPTIONS, reader).plan!.auth, platform);
    const isGood = (key: string): boolean => known.table.find(Uint8Array.fromHex(hashOf(key).slice(7))) >= 0;
    expect([isGood("acme-1"), isGood("acme-9")]).toEqual([true, false]);
    for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect([isGood("acme-1"), isGood("acme-9")]).toEqual([false, true]);
    known.close();
  });

  test("several changes at once end with the last", async () => {
    await inWorldOf(
      OPTIONS,
      async (world) => {
        for (let i = 0; i < 5; i++) world.platform.files.write("/keys.yaml", file({ acme: [`acme-${i}`] }));
        await world.rest();
        world.platform.notices.splice(0);
        expect(callerOf(world, "acme-4")).toBe("acme");
        expect(callerOf(world, "acme-3")).toBe(401);
      },
      { "/keys.yaml": FIRST },
    );
  });
});
