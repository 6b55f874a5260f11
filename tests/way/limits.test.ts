// Limits through the whole gateway: who is counted, what is answered, and what goes on as if nothing had been.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { LimitOptions, LimitSettings } from "../../src/config/limit/options.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { type FakeAnswer, fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, type World } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

function limited(limits: Record<string, LimitOptions>, limiting: LimitSettings = {}): GatewayOptions {
  return {
    listen: { trustedProxies: ["0.0.0.0/0", "::/0"] },
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: { acme: { keys: [hashOf("acme")] }, beta: { keys: [hashOf("beta")] } },
    auth: { key: apiKey() },
    limits,
    limiting,
    routes: {
      open: { match: "/open/*", to: "up", auth: "none", limits: Object.keys(limits) },
      keyed: { match: "/keyed/*", to: "up", auth: "key", limits: Object.keys(limits) },
      free: { match: "/free", to: "up", auth: "none" },
    },
  };
}

const from = (address: string): string[] => [`X-Forwarded-For: ${address}`];

/** The answer to one request, from one address unless the fields tell of another. */
function ask(world: World, path = "/open/x", fields: readonly string[] = []): FakeAnswer {
  const told = fields.some((line) => line.startsWith("X-Forwarded-For"));
  return world.ask("GET", path, told ? fields : [...fields, ...from("192.0.2.50")]).answer;
}

/** Statuses of requests one after another. */
function statuses(world: World, count: number, path?: string, fields?: readonly string[]): number[] {
  return Array.from({ length: count }, () => ask(world, path, fields).status);
}

const within = (options: GatewayOptions, story: (world: World) => void, status = 200): void => {
  inWorld(options, (world) => {
    world.a.answerAll(() => answerText("ok", [], status));
    story(world);
  });
};

test("as many as the limit pass, the next is refused with all that it should say, and later one passes again", () => {
  within(limited({ few: { limit: 3, window: "10s" } }), (world) => {
    expect(statuses(world, 3)).toEqual([200, 200, 200]);
    world.advance(2500);
    const answer = ask(world);
    expect(answer.status).toBe(429);
    expect(fieldOf(answer, "retry-after")).toBe("8");
    expect(fieldOf(answer, "ratelimit-policy")).toBe('"few";q=3;w=10');
    expect(fieldOf(answer, "ratelimit")).toBe('"few";r=0;t=8');
    expect(JSON.parse(answer.body)).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      status: 429,
      code: "rate_limit_exceeded",
      "violated-policies": ["few"],
    });
    expect(world.records.at(-1)).toMatchObject({ "error.type": "rate_limit_exceeded" });
    expect(world.a.requests).toHaveLength(3);
    world.advance(8000);
    expect(statuses(world, 1)).toEqual([200]);
  });
});

test("answers that pass tell what is left; the upstream's own fields give way", () => {
  inWorld(limited({ few: { limit: 3, window: "10s" } }), (world) => {
    world.a.answerAll(() => answerText("ok", ["RateLimit: other", "X-RateLimit-Limit: 9"]));
    const answer = ask(world);
    expect(answer.fields.filter(([name]) => /ratelimit/i.test(name))).toEqual([
      ["RateLimit-Policy", '"few";q=3;w=10'],
      ["RateLimit", '"few";r=2;t=11'],
    ]);
  });
});

describe("each is counted for itself", () => {
  test.each([
    ["addresses", "address", from("192.0.2.1"), from("192.0.2.2")],
    ["networks of IPv6", "address", from("2001:db8:1:2::1"), from("2001:db8:1:3::1")],
    ["values of a field", { header: "X-Tenant" }, ["X-Tenant: a"], ["X-Tenant: b"]],
    [
      "what a function says",
      (x: { header(name: string): string | undefined }) => x.header("x-t"),
      ["X-T: a"],
      ["X-T: b"],
    ],
  ] as const)("%s", (_, by, one, other) => {
    within(limited({ few: { limit: 2, window: "1m", by } }), (world) => {
      expect(statuses(world, 3, "/open/x", one)).toEqual([200, 200, 429]);
      expect(statuses(world, 3, "/open/x", other)).toEqual([200, 200, 429]);
    });
  });

  test("consumers, wherever they call from", () => {
    within(limited({ few: { limit: 2, window: "1m", by: "consumer" } }), (world) => {
      expect(statuses(world, 2, "/keyed/x", ["X-API-Key: acme", ...from("192.0.2.1")])).toEqual([200, 200]);
      expect(statuses(world, 1, "/keyed/x", ["X-API-Key: acme", ...from("192.0.2.9")])).toEqual([429]);
      expect(statuses(world, 1, "/keyed/x", ["X-API-Key: beta", ...from("192.0.2.1")])).toEqual([200]);
    });
  });
});

describe("are counted together", () => {
  test("addresses of one /64, in whatever spelling", () => {
    within(limited({ few: { limit: 2, window: "1m" } }), (world) => {
      const all = ["2001:db8:1:2::1", "2001:DB8:1:2:ffff::", "2001:0db8:0001:0002:0:0:0:9"];
      expect(all.flatMap((address) => statuses(world, 1, "/open/x", from(address)))).toEqual([200, 200, 429]);
    });
  });

  test("routes that name one limit", () => {
    within(limited({ few: { limit: 2, window: "1m" } }), (world) => {
      expect(statuses(world, 2)).toEqual([200, 200]);
      expect(statuses(world, 1, "/keyed/x", ["X-API-Key: acme"])).toEqual([429]);
      expect(statuses(world, 1, "/free")).toEqual([200]);
    });
  });

  test("all callers of a route, and requests without the field", () => {
    const by = { header: "X-Tenant" };
    within(limited({ all: { limit: 2, window: "1m", by: "route" }, none: { limit: 9, window: "1m", by } }), (world) => {
      expect(statuses(world, 3)).toEqual([200, 200, 429]);
    });
  });
});

test("what a function says nothing of is not limited", () => {
  within(limited({ few: { limit: 1, window: "1m", by: () => undefined } }), (world) => {
    expect(statuses(world, 5)).toEqual([200, 200, 200, 200, 200]);
  });
});

test("guessing is limited by address before a guess is looked at", () => {
  within(limited({ guesses: { limit: 2, window: "1m", statuses: [401] } }), (world) => {
    expect(statuses(world, 5, "/keyed/x", ["X-API-Key: acme"])).toEqual([200, 200, 200, 200, 200]);
    expect(statuses(world, 3, "/keyed/x", ["X-API-Key: guess"])).toEqual([401, 401, 429]);
    expect(statuses(world, 1, "/keyed/x", ["X-API-Key: acme"])).toEqual([429]);
  });
});

test("of several limits the tightest answers, and what the others counted is given back", () => {
  const limits = { wide: { limit: 5, window: "1m" }, tight: { limit: 2, window: "1s" } } as const;
  within(limited(limits), (world) => {
    expect(statuses(world, 4)).toEqual([200, 200, 429, 429]);
    world.advance(1100);
    const answer = ask(world);
    expect(fieldOf(answer, "ratelimit-policy")).toBe('"wide";q=5;w=60, "tight";q=2;w=1');
    expect(fieldOf(answer, "ratelimit")).toBe('"wide";r=2;t=59');
  });
});

test("only answers that count are counted", () => {
  within(limited({ failures: { limit: 2, window: "1m", statuses: ["5xx"] } }), (world) => {
    expect(statuses(world, 10)).toEqual(Array.from({ length: 10 }, () => 200));
  });
  within(
    limited({ failures: { limit: 2, window: "1m", statuses: ["5xx", 404] } }),
    (world) => {
      expect(statuses(world, 3)).toEqual([404, 404, 429]);
    },
    404,
  );
});

test("a request may cost more than one, or nothing", () => {
  const cost = (x: { header(name: string): string | undefined }): number => Number(x.header("x-cost") ?? 1);
  within(limited({ units: { limit: 10, window: "1m", cost } }), (world) => {
    expect(statuses(world, 2, "/open/x", ["X-Cost: 4"])).toEqual([200, 200]);
    expect(statuses(world, 1, "/open/x", ["X-Cost: 3"])).toEqual([429]);
    expect(statuses(world, 1, "/open/x", ["X-Cost: 2"])).toEqual([200]);
    expect(statuses(world, 2, "/open/x", ["X-Cost: 0"])).toEqual([200, 200]);
    expect(statuses(world, 1, "/open/x", ["X-Cost: -1"])).toEqual([500]);
  });
});

test("a quota begins anew at midnight of its time zone", () => {
  const quota = { limit: 2, per: "day", timeZone: "Europe/Berlin" } as const;
  within(limited({ quota }), (world) => {
    const { clock } = world.platform;
    expect(statuses(world, 3)).toEqual([200, 200, 429]);
    const answer = ask(world);
    const seconds = Number(fieldOf(answer, "retry-after"));
    const midnight = new Date(clock.epoch + clock.time + seconds * 1000);
    expect(midnight.toLocaleTimeString("de", { timeZone: "Europe/Berlin" })).toBe("00:00:00");
    world.advance(seconds * 1000 - 1500);
    expect(statuses(world, 1)).toEqual([429]);
    world.advance(2000);
    expect(statuses(world, 3)).toEqual([200, 200, 429]);
  });
});

test("a limit that observes refuses nobody, says nothing to clients, and tells the log", () => {
  within(limited({ few: { limit: 1, window: "1m", mode: "observe" } }), (world) => {
    expect(statuses(world, 2)).toEqual([200, 200]);
    expect(ask(world).fields.some(([name]) => /ratelimit/i.test(name))).toBe(false);
    expect(world.records[1]).toMatchObject({
      "sluice.observed": [{ policy: "limits.few", "error.type": "rate_limit_exceeded", detail: "limits.few: over 1" }],
    });
  });
});

test.each([
  [
    "legacy",
    [
      ["X-RateLimit-Limit", "2"],
      ["X-RateLimit-Remaining", "1"],
      ["X-RateLimit-Reset", "61"],
    ],
  ],
  [
    "both",
    [
      ["RateLimit-Policy", '"few";q=2;w=60'],
      ["RateLimit", '"few";r=1;t=61'],
      ["X-RateLimit-Limit", "2"],
      ["X-RateLimit-Remaining", "1"],
      ["X-RateLimit-Reset", "61"],
    ],
  ],
  [false, []],
] as const)("the dialect %j", (fields, expected) => {
  within(limited({ few: { limit: 2, window: "1m" } }, { fields }), (world) => {
    const answer = ask(world);
    expect(answer.fields.filter(([name]) => /ratelimit/i.test(name))).toEqual(expected as never);
  });
});
