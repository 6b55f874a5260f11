// Authorities that fail, and disks and processes that do: what the operator is told, and that nobody is asked too often.
import { afterEach, describe, expect, test } from "bun:test";
import { Issuer } from "../../src/acme/issuer.ts";
import { LatestIssued } from "../../src/issued.ts";
import { certificate } from "../../src/platforms/certificate.ts";
import { type FakeAuthority, problem } from "../support/fake-authority.ts";
import { IssuerWorld, SECOND, MINUTE, HOUR, DAY } from "./issuer-world.ts";

let world: IssuerWorld;
const begun = (more?: Parameters<IssuerWorld["begin"]>[0]): IssuerWorld => {
  world = new IssuerWorld();
  world.begin(more);
  return world;
};
afterEach(() => world.issuer?.close());

const json = (body: unknown, headers: Record<string, string> = {}): Response => Response.json(body, { headers });

/** Puts an answer in the place of all that go to paths that begin so. */
function instead(authority: FakeAuthority, path: string, answer: () => Response): void {
  authority.instead = (asked) => (asked.startsWith(path) ? answer() : undefined);
}

describe("an answer that is no good fails the order, is told, and is followed by a pause", () => {
  test.each<[what: string, path: string, answer: () => Response, words: string]>([
    ["an error without a word", "dir", () => new Response("", { status: 500 }), "https://ca.test/dir: it answered 500"],
    [
      "a page of HTML",
      "dir",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "no JSON object (text/html)",
    ],
    ["JSON that is no object", "dir", () => json([]), "no JSON object"],
    [
      "JSON under another type",
      "dir",
      () => new Response("{}", { headers: { "content-type": "text/plain" } }),
      "no JSON object (text/plain)",
    ],
    [
      "a directory without what is needed",
      "dir",
      () => json({ newNonce: "https://ca.test/nonce" }),
      "it names no newAccount that is https",
    ],
    [
      "a directory that leads to http",
      "dir",
      () => json({ newNonce: "http://ca.test/nonce" }),
      "it names no newNonce that is https",
    ],
    [
      "a directory that leads to this machine",
      "dir",
      () => json({ newNonce: "http://127.0.0.1/nonce" }),
      "it names no newNonce",
    ],
    [
      "a redirect",
      "dir",
      () => Response.redirect("https://other.test/dir", 302),
      "it answered 302: a redirect, which is not followed",
    ],
    ["an answer that is too long", "dir", () => json({ long: "x".repeat(300_000) }), "it is longer than 262144 bytes"],
    ["an answer that is encoded", "dir", () => json({}, { "content-encoding": "gzip" }), "it is encoded as gzip"],
    [
      "a problem",
      "order",
      () => problem(403, "rejectedIdentifier", "not this name"),
      "not this name (rejectedIdentifier)",
    ],
    [
      "a problem in parts",
      "order",
      () =>
        new Response(
          JSON.stringify({
            type: "urn:ietf:params:acme:error:compound",
            detail: "several",
            subproblems: [{ type: "urn:ietf:params:acme:error:caa", detail: "CAA forbids it" }],
          }),
          { status: 403, headers: { "content-type": "application/problem+json" } },
        ),
      "several; CAA forbids it (caa) (compound)",
    ],
    [
      "lines of its own in a detail",
      "order",
      () => problem(400, "malformed", "a\nsluice: error: b\u001b[2J"),
      "a sluice: error: b [2J",
    ],
    [
      "a detail without end",
      "order",
      () => problem(400, "malformed", "x".repeat(5000)),
      `${"x".repeat(500)}… (malformed)`,
    ],
    [
      "an order without authorizations",
      "order",
      () => json({ status: "pending" }, { location: "https://ca.test/order/0" }),
      "the answer lacks a URL",
    ],
    ["an order without a URL", "order", () => json({ status: "pending" }), "the order has no URL"],
    [
      "an authorization that is over",
      "authorization",
      () => json({ status: "deactivated" }),
      "no http-01 challenge (deactivated)",
    ],
    [
      "no http-01",
      "authorization",
      () => json({ status: "pending", challenges: [{ type: "dns-01" }] }),
      "no http-01 challenge (pending)",
    ],
    [
      "a token that is none",
      "authorization",
      () =>
        json({
          status: "pending",
          challenges: [{ type: "http-01", token: "../../etc/passwd", url: "https://ca.test/x" }],
        }),
      "no http-01 challenge",
    ],
    [
      "a challenge on this machine",
      "authorization",
      () =>
        json({
          status: "pending",
          challenges: [{ type: "http-01", token: "t".repeat(20), url: "http://127.0.0.1:1/x" }],
        }),
      "the authority names a URL that is not https",
    ],
    ["a request that is refused", "finalize", () => problem(400, "badCSR", "not so"), "not so (badCSR)"],
    [
      "an order that becomes invalid",
      "finalize",
      () => json({ status: "invalid", error: { type: "urn:ietf:params:acme:error:caa", detail: "CAA" } }),
      "the order is invalid: CAA (caa)",
    ],
    ["no certificate", "certificate", () => json({}), "application/json, and no certificate"],
    [
      "PEM that is none",
      "certificate",
      () => new Response("-----BEGIN", { headers: { "content-type": "application/pem-certificate-chain" } }),
      "it is no certificate",
    ],
  ])("%s", async (_, path, answer, words) => {
    const { authority, issued, results } = begun();
    instead(authority, path, answer);
    await world.pass(59 * SECOND);
    const [told, ...more] = world.told();
    expect(told).toStartWith("error: listen.tls.acme: a.test: no certificate: ");
    expect(told).toContain(words);
    expect(told).toMatch(/; tried again at 2026-11-25T12:01:\d\dZ$/);
    expect(more).toEqual([]);
    expect(results).toEqual({ success: 0, failure: 1 });
    expect(issued.state.answers.size).toBe(0);
    // The next try, when all is well.
    authority.instead = () => undefined;
    await world.pass(2 * MINUTE);
    expect(issued.state.awaited).toEqual([]);
  });

  test("none at all is waited for half a minute", async () => {
    const { authority } = begun();
    authority.instead = (path) => {
      if (path !== "order") return undefined;
      world.isHanging = true;
      return new Promise(() => undefined);
    };
    await world.passUntil(() => world.isHanging, MINUTE);
    await world.pass(29 * SECOND);
    expect(world.told()).toEqual([]);
    await world.pass(2 * SECOND);
    expect(world.told()[0]).toContain("no answer within 30000 ms");
  });

  test("a host that the authority finds elsewhere is told with the authority's own words", async () => {
    const { authority } = begun();
    world.platform.fetch = (request) => {
      world.issued.put({ ...world.issued.state, answers: new Map() });
      return authority.fetch(request);
    };
    await world.pass(30 * SECOND);
    expect(world.told()[0]).toContain("could not see that the host is ours: not what was asked (unauthorized)");
  });
});

describe("an authority is asked", () => {
  test("again with another nonce, as long as it refuses a few", async () => {
    const { authority } = begun();
    authority.refusesNonces = 5;
    await world.pass(10 * SECOND);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("no more than a few times when it refuses all nonces", async () => {
    const { authority } = begun();
    authority.refusesNonces = 1000;
    await world.pass(59 * SECOND);
    expect(authority.asked.filter((each) => each.startsWith("POST"))).toHaveLength(6);
    expect(world.told()[0]).toContain("badNonce");
  });

  test("no sooner than it says while it decides", async () => {
    const { authority } = begun();
    authority.looks = 3;
    authority.retryAfter = "7";
    const began = world.platform.clock.time;
    await world.passUntil(() => world.issued.state.awaited.length === 0, 5 * MINUTE);
    expect(world.platform.clock.time - began).toBeGreaterThan(21 * SECOND);
  });

  test("for no longer than five minutes while it does not decide", async () => {
    const { authority } = begun();
    authority.looks = 1_000_000;
    await world.pass(5 * MINUTE + 20 * SECOND);
    expect(world.told()[0]).toContain("has not decided after 5 minutes (pending)");
    expect(authority.asked.length).toBeLessThan(60);
  });

  test.each([
    ["a rate limit", () => problem(429, "rateLimited", "too many certificates", { "retry-after": "10800" })],
    ["work on it", () => new Response("", { status: 503, headers: { "retry-after": "10800" } })],
  ])("after %s, when it says", async (_, answer) => {
    const { authority } = begun();
    instead(authority, "order", answer);
    await world.pass(3 * HOUR - MINUTE);
    expect(authority.asked.filter((each) => each === "POST order")).toHaveLength(1);
    await world.pass(2 * MINUTE);
    expect(authority.asked.filter((each) => each === "POST order")).toHaveLength(2);
  });

  test("by one host name for all of them while it is down", async () => {
    const { authority } = begun({ domains: ["a.test", "b.test", "c.test"] });
    instead(authority, "dir", () => new Response("", { status: 502 }));
    await world.pass(20 * MINUTE);
    expect(authority.asked.length).toBeLessThanOrEqual(5);
    authority.instead = () => undefined;
    await world.pass(HOUR);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("for other host names although it refuses one", async () => {
    const { authority } = begun({ domains: ["a.test", "b.test"] });
    authority.instead = (path, { identifiers }) =>
      path === "order" && JSON.stringify(identifiers).includes("a.test") ? problem(403, "caa", "no") : undefined;
    await world.pass(30 * SECOND);
    expect(world.issued.state.awaited).toEqual(["a.test"]);
  });

  test("less and less often, for a hundred days: at first within minutes, then once a day", async () => {
    const { authority } = begun();
    instead(authority, "order", () => problem(403, "caa", "no"));
    const orders = (): number => authority.asked.filter((each) => each === "POST order").length;
    await world.pass(HOUR);
    expect(orders()).toBeGreaterThanOrEqual(5);
    expect(orders()).toBeLessThanOrEqual(6);
    await world.pass(10 * DAY);
    const before = orders();
    await world.pass(90 * DAY);
    expect(orders() - before).toBeGreaterThanOrEqual(89);
    expect(orders() - before).toBeLessThanOrEqual(91);
    expect(world.told().at(-1)).toMatch(/tried again at .*Z after \d+ failures$/);
  });

  test("while a certificate holds, with a warning that tells until when", async () => {
    const { authority } = begun();
    await world.pass(10 * SECOND);
    world.told();
    instead(authority, "order", () => problem(403, "caa", "no"));
    await world.pass(61 * DAY);
    expect(world.told()[0]).toMatch(/^warn: .*: not renewed: no \(caa\); the one it has is good until 2027-02-23T/);
    await world.pass(30 * DAY);
    expect(world.told().at(-1)).toStartWith("error: listen.tls.acme: a.test: no certificate: no (caa)");
  });
});

describe("a process that begins", () => {
  test("heeds the pause after the failures of those before it", async () => {
    const { authority } = begun();
    instead(authority, "order", () => problem(403, "caa", "no"));
    const orders = (): number => authority.asked.filter((each) => each === "POST order").length;
    for (let i = 0; i < 100; i++) {
      await world.pass(10 * SECOND);
      world.begin();
    }
    expect(orders()).toBeLessThanOrEqual(5);
    expect(world.told().at(-1)).toMatch(
      /^warn: .*a\.test: no certificate yet, tried again at .*Z, after \d failures before this start: no \(caa\)$/,
    );
  });

  test("heeds it also when those before it have died in the middle of an order", async () => {
    const { authority } = begun();
    authority.looks = 1_000_000;
    for (let i = 0; i < 100; i++) {
      await world.pass(10 * SECOND);
      world.begin();
    }
    expect(authority.orders.length).toBeLessThanOrEqual(5);
    expect(world.file("records.json")).toContain("the last attempt did not come to its end");
  });

  test("with records that nobody can read begins anew", async () => {
    begun();
    for (const text of ["{", "[]", "null", '{"domains":{"a.test":{"failures":{"count":"x"}}}}']) {
      world.platform.files.bytes.set("/state/ca.test-dir/records.json", new TextEncoder().encode(text));
      world.begin();
    }
    await world.pass(10 * SECOND);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("does not wait for moments that a clock has written which was years ahead", async () => {
    const { authority, platform } = begun();
    platform.clock.epoch += 1000 * DAY;
    instead(authority, "order", () => problem(403, "caa", "no"));
    await world.pass(30 * SECOND);
    platform.clock.epoch -= 1000 * DAY;
    authority.instead = () => undefined;
    world.begin();
    await world.pass(30 * SECOND);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("and ends in the middle of an order leaves no timer behind, and tells nothing", async () => {
    const { authority, issuer, platform } = begun();
    authority.looks = 1_000_000;
    await world.pass(20 * SECOND);
    issuer!.close();
    await Bun.sleep(0);
    expect(platform.clock.timers).toBe(0);
    expect(world.told()).toEqual([]);
    expect(platform.files.locked.size).toBe(0);
  });
});

describe("of two processes with one folder", () => {
  const second = (state: LatestIssued): Issuer =>
    new Issuer(world.plan(), {
      platform: Object.assign(Object.create(world.platform) as IssuerWorld["platform"], { certificate }),
      files: world.platform.files,
      agent: "sluice/test",
      publish: (told) => state.put(told),
      ended: () => undefined,
    });

  test("one does nothing while the other has the folder, and looks again within a minute", async () => {
    const { authority, platform } = begun();
    const release = platform.files.lock("/state/ca.test-dir/lock")!;
    await world.pass(10 * MINUTE);
    expect(authority.asked).toEqual([]);
    expect(world.told()).toEqual([]);
    release();
    await world.pass(MINUTE);
    expect(authority.orders).toHaveLength(1);
  });

  test("one asks, and the other takes what it got", async () => {
    const { authority, issued } = begun();
    const others = new LatestIssued();
    const other = second(others);
    other.start();
    try {
      await world.pass(2 * MINUTE);
      expect(authority.orders).toHaveLength(1);
      expect(others.state.certificates).toEqual(issued.state.certificates);
    } finally {
      other.close();
    }
  });
});

describe("a folder that cannot be written", () => {
  test("keeps the authority from being asked, and is told with the pause", async () => {
    world = new IssuerWorld();
    const { files } = world.platform;
    files.folder = () => Promise.reject(new Error("EROFS: read-only file system"));
    world.begin({ domains: ["a.test", "b.test"] });
    await world.pass(59 * SECOND);
    expect(world.authority.asked).toEqual([]);
    const [told, ...more] = world.told();
    expect(told).toContain("/state/ca.test-dir cannot be written: EROFS: read-only file system");
    expect(more).toEqual([]);
    files.folder = () => Promise.resolve();
    await world.pass(2 * MINUTE);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("after an order was done: the certificate is shown, not asked for again, and written later", async () => {
    const { authority, platform, issued } = begun();
    const { replace } = platform.files;
    platform.files.replace = (path, bytes) =>
      path.endsWith(".pem") ? Promise.reject(new Error("ENOSPC")) : replace.call(platform.files, path, bytes);
    await world.pass(30 * SECOND);
    expect(issued.state.certificates).toHaveLength(1);
    expect(world.told().at(-1)).toContain("ENOSPC");
    platform.files.replace = replace;
    await world.pass(HOUR);
    expect(world.file("a.test.pem")).toContain(issued.state.certificates[0]!.cert);
    expect(authority.orders).toHaveLength(1);
  });
});
