// Sticky: who has a cookie comes back to its target; nobody else is led anywhere by one.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createPolicy } from "../../src/balance/create.ts";
import type { Policy } from "../../src/balance/policy.ts";
import { Secret } from "../../src/config/secrets.ts";
import type { StickyPlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Arrival, Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import type { Target } from "../../src/target.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { anExchange, Attempting, targetsOf } from "./doubles.ts";

const PLAN: StickyPlan = {
  kind: "sticky",
  cookie: "lb",
  secret: new Secret("a secret of thirty-two bytes....", "STICKY"),
  attributes: "; Path=/; HttpOnly; SameSite=Lax",
  secure: undefined,
  pick: { kind: "round-robin" },
};

const ask = (cookie?: string, arrival: Partial<Arrival> = {}): Exchange =>
  anExchange({ fields: cookie === undefined ? new Fields() : Fields.of(["Cookie", cookie]), ...arrival });

/** A policy that is ready, and what tells it of attempts. */
async function sticky(
  targets: readonly Target[],
  plan: Partial<StickyPlan> = {},
  more: Partial<UpstreamPlan> = {},
): Promise<[Attempting<Target>, Policy<Target>]> {
  const upstream = { name: "up", balance: { ...PLAN, ...plan }, ...more } as UpstreamPlan;
  const policy = createPolicy<Target>(upstream, new FakePlatform());
  policy.use(
    targets,
    targets.map(() => 1),
  );
  await policy.ready?.();
  return [new Attempting(policy), policy];
}

/** The Set-Cookie lines of an exchange that was answered, and its target. */
function answered(attempts: Attempting<Target>, x: Exchange, status = 200): [Target, readonly string[]] {
  const one = attempts.begin(x);
  attempts.settle(one, status);
  return [one.target, x.cookies];
}

const valueOf = (line: string): string => /^lb=([^;]*)/.exec(line)![1]!;

test("the first answer has a cookie, which leads back to its target and is not set again", async () => {
  const targets = targetsOf([1, 1, 1]);
  const [attempts] = await sticky(targets);
  for (let i = 0; i < 6; i++) {
    const [target, lines] = answered(attempts, ask());
    expect(lines).toHaveLength(1);
    for (const cookie of [`lb=${valueOf(lines[0]!)}`, `a=b; lb=${valueOf(lines[0]!)}; c=d`]) {
      expect(answered(attempts, ask(cookie))).toEqual([target, []]);
    }
  }
});

test("the value tells nothing of the target, and is the same from every gateway with the secret", async () => {
  const targets = targetsOf([1, 1]);
  const values = async (plan: Partial<StickyPlan>, more: Partial<UpstreamPlan> = {}): Promise<string[]> => {
    const [attempts] = await sticky(targets, plan, more);
    return [1, 2].map(() => valueOf(answered(attempts, ask())[1][0]!));
  };
  const ours = await values({});
  expect(new Set(ours).size).toBe(2);
  for (const value of ours) expect(value).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(await values({})).toEqual(ours);
  const others = [
    ...(await values({ secret: new Secret("another one of thirty-two bytes.", "STICKY") })),
    ...(await values({}, { name: "other" })),
  ];
  expect(ours.filter((value) => others.includes(value))).toEqual([]);
  // HMAC-SHA-256 of the row's name, cut: what another implementation says (Bun.CryptoHasher).
  const expected = new Bun.CryptoHasher("sha256", PLAN.secret.reveal()).update("up\nhttp://127.0.0.1:9001").digest();
  expect(ours[0]).toBe(expected.subarray(0, 16).toBase64({ alphabet: "base64url", omitPadding: true }));
});

test("whatever stands in the cookie that is no target's, it is as if there were none", async () => {
  const targets = targetsOf([1, 1]);
  const [attempts] = await sticky(targets);
  const [, [line]] = answered(attempts, ask());
  const right = valueOf(line!);
  const forged = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.constantFrom(
      "",
      "http://127.0.0.1:9001",
      "127.0.0.1:9001",
      "0",
      right.slice(1),
      `${right}x`,
      right.toLowerCase(),
    ),
    fc.nat(21).map((at) => right.slice(0, at) + (right[at] === "A" ? "B" : "A") + right.slice(at + 1)),
  );
  fc.assert(
    fc.property(forged, (value) => {
      fc.pre(!value.split(";").some((part) => part.trim() === right));
      const before = answered(attempts, ask())[0];
      const [target, lines] = answered(attempts, ask(`lb=${value}`));
      // In turn, as for anybody.
      expect(target).not.toBe(before);
      expect(lines).toHaveLength(1);
    }),
  );
});

test("a target that is gone or down leads to another one and a new cookie; back again it is known again", async () => {
  const targets = targetsOf([1, 1, 1]);
  const [attempts, policy] = await sticky(targets);
  const [first, [line]] = answered(attempts, ask());
  const cookie = `lb=${valueOf(line!)}`;
  const left = targets.filter((target) => target !== first);
  policy.use(left, [1, 1]);
  expect(policy.ready?.()).toBeUndefined();
  const [second, [renewed]] = answered(attempts, ask(cookie));
  expect(left).toContain(second);
  expect(answered(attempts, ask(`lb=${valueOf(renewed!)}`))).toEqual([second, []]);
  policy.use(targets, [1, 1, 1]);
  await policy.ready?.();
  expect(answered(attempts, ask(cookie))).toEqual([first, []]);
});

test("targets that come while others are being signed for are known when it is ready", async () => {
  const targets = targetsOf([1, 1, 1]);
  const upstream = { name: "up", balance: PLAN } as UpstreamPlan;
  const policy = createPolicy<Target>(upstream, new FakePlatform());
  policy.use(targets.slice(0, 1), [1]);
  const early = policy.ready!();
  policy.use(targets, [1, 1, 1]);
  await early;
  while (policy.ready!() !== undefined) await policy.ready!();
  const attempts = new Attempting(policy);
  expect(targets.map(() => answered(attempts, ask())[1].length)).toEqual([1, 1, 1]);
});

describe("the cookie names who answered last", () => {
  test("a later attempt's target, and not that of one before it", async () => {
    const targets = targetsOf([1, 1]);
    const [attempts] = await sticky(targets);
    const x = ask();
    const first = attempts.begin(x);
    attempts.settle(first, 404);
    const second = attempts.begin(x, [first.target]);
    attempts.settle(second);
    expect(x.cookies).toHaveLength(1);
    expect(answered(attempts, ask(`lb=${valueOf(x.cookies[0]!)}`))[0]).toBe(second.target);
  });

  test("nobody is bound to a target that did not answer", async () => {
    const [attempts] = await sticky(targetsOf([1, 1]));
    const x = ask();
    attempts.settle(attempts.begin(x), new GatewayError("connection_refused", "nobody listens"));
    expect(x.cookies).toEqual([]);
  });

  test("an attempt that failed sets none; one that then goes elsewhere sets the other's", async () => {
    const targets = targetsOf([1, 1]);
    const [attempts] = await sticky(targets);
    const [bound, [line]] = answered(attempts, ask());
    const x = ask(`lb=${valueOf(line!)}`);
    const first = attempts.begin(x);
    expect(first.target).toBe(bound);
    attempts.settle(first, new GatewayError("connection_refused", "nobody listens"));
    expect(x.cookies).toEqual([]);
    attempts.settle(attempts.begin(x, [bound]));
    expect(x.cookies).toHaveLength(1);
    expect(x.cookies[0]).not.toContain(valueOf(line!));
  });

  test.each([500, 502, 503, 504])("an answer of %d binds nobody", async (status) => {
    const [attempts] = await sticky(targetsOf([1, 1]));
    expect(answered(attempts, ask(), status)[1]).toEqual([]);
  });

  test("cookies that others have set stay", async () => {
    const [attempts] = await sticky(targetsOf([1, 1]));
    const x = ask();
    x.cookies = ["session=1; Path=/"];
    expect(answered(attempts, x)[1]).toHaveLength(2);
    expect(x.cookies[0]).toBe("session=1; Path=/");
  });
});

describe("Secure", () => {
  const proto = (value: string): Partial<Arrival> => ({ fields: Fields.of(["X-Forwarded-Proto", value]) });
  test.each<
    [what: string, secure: boolean | undefined, arrival: Partial<Arrival>, trusted: boolean, expected: boolean]
  >([
    ["over http", undefined, {}, false, false],
    ["over https", undefined, { scheme: "https" }, false, true],
    ["over https, as a trusted proxy says", undefined, proto("https"), true, true],
    ["over http, as a trusted proxy says", undefined, proto("http"), true, false],
    ["over https, as a stranger says", undefined, proto("https"), false, false],
    ["by option", true, {}, false, true],
    ["off by option", false, { scheme: "https" }, false, false],
  ])("%s", async (_, secure, arrival, trusted, expected) => {
    const [attempts] = await sticky(targetsOf([1]), { secure });
    const x = ask(undefined, arrival);
    x.trusted = trusted;
    const line = answered(attempts, x)[1][0]!;
    expect(line.replace(/^lb=[^;]*/, "")).toBe(`; Path=/; HttpOnly; SameSite=Lax${expected ? "; Secure" : ""}`);
  });
});

test("who has no cookie is led by the other policy, which is told of attempts as well", async () => {
  const targets = targetsOf([1, 1]);
  const [attempts] = await sticky(targets, { pick: { kind: "least-busy" } }, { slowStartMs: 1000 });
  attempts.begin(ask());
  attempts.begin(ask());
  expect(targets.map(({ inFlight }) => inFlight)).toEqual([1, 1]);
});
