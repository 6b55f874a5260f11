// The issuer: certificates come, are renewed in time, and an authority that fails is left alone for longer and longer.
import { afterEach, describe, expect, test } from "bun:test";
import { certificateId } from "../../src/acme/certificate-id.ts";
import { certificate } from "../../src/platforms/certificate.ts";
import { problem } from "../support/fake-authority.ts";
import { external, IssuerWorld, SECOND, MINUTE, HOUR, DAY } from "./issuer-world.ts";

let world: IssuerWorld;
const begun = (more?: Parameters<IssuerWorld["begin"]>[0]): IssuerWorld => {
  world = new IssuerWorld();
  world.begin(more);
  return world;
};
afterEach(() => world.issuer?.close());

describe("a certificate", () => {
  test("comes for each host name, one order each, and is kept with its key", async () => {
    const { authority, issued, results } = begun({ domains: ["a.test", "b.test"] });
    expect(issued.state.awaited).toEqual(["a.test", "b.test"]);
    await world.pass(10 * SECOND);
    expect(authority.orders.map(({ domain }) => domain)).toEqual(["a.test", "b.test"]);
    expect(issued.state.awaited).toEqual([]);
    expect(issued.state.answers.size).toBe(0);
    for (const { cert, key, names } of issued.state.certificates) {
      expect(certificate(cert)!.names).toEqual([...names]);
      expect(certificate(cert)!.owns(key)).toBe(true);
      expect(world.file(`${names[0]}.pem`)).toBe(`${cert}${key}`);
    }
    expect(results).toEqual({ success: 2, failure: 0 });
    expect(world.told()).toEqual(
      ["a.test", "b.test"].map(
        (domain) =>
          expect.stringContaining(
            `info: listen.tls.acme: ${domain}: certificate obtained from ca.test, good until 2027-02-23T`,
          ) as string,
      ),
    );
  });

  test("is there again after a restart, and nobody is asked for it", async () => {
    const { authority, issued } = begun();
    await world.pass(10 * SECOND);
    const [before] = issued.state.certificates;
    authority.asked.length = 0;
    world.begin();
    expect(issued.state.certificates).toEqual([before!]);
    await world.pass(DAY);
    expect(authority.asked.filter((each) => each.includes("order"))).toEqual([]);
  });

  test("is renewed when two thirds of its lifetime are over, with the same account and another key", async () => {
    const { authority, issued } = begun();
    await world.pass(10 * SECOND);
    const [before] = issued.state.certificates;
    const began = world.platform.wallClock();
    const at = await world.passUntil(() => authority.orders.length === 2, 61 * DAY);
    expect((at - began) / DAY).toBeGreaterThan(58);
    expect((at - began) / DAY).toBeLessThan(60.1);
    await world.pass(10 * SECOND);
    const [after] = issued.state.certificates;
    expect(after!.key).not.toBe(before!.key);
    expect(after!.notAfter).toBeGreaterThan(before!.notAfter);
    expect(authority.asked.filter((each) => each === "POST account")).toHaveLength(1);
    expect(world.told().at(-1)).toContain("certificate renewed");
  });

  test("of a host name that the config leaves out is not shown, and comes back with it", async () => {
    const { issuer, issued, authority } = begun({ domains: ["a.test", "b.test"] });
    await world.pass(10 * SECOND);
    issuer!.serve(["b.test"]);
    expect(issued.state.certificates.map(({ names }) => names[0])).toEqual(["b.test"]);
    issuer!.serve(["b.test", "a.test", "c.test"]);
    expect(issued.state.certificates.map(({ names }) => names[0])).toEqual(["b.test", "a.test"]);
    await world.pass(10 * SECOND);
    expect(authority.orders.map(({ domain }) => domain)).toEqual(["a.test", "b.test", "c.test"]);
  });

  test.each([
    [
      "a key of another",
      (text: string, other: string) =>
        text.slice(0, text.indexOf("-----BEGIN P")) + other.slice(other.indexOf("-----BEGIN P")),
      "the key belongs",
    ],
    ["another name", (_: string, other: string) => other, "the certificate is for b.test"],
    ["no certificate", (text: string) => text.replaceAll("MII", "***"), "it is no certificate"],
    ["no key", (text: string) => text.slice(0, 200), "it holds no private key"],
  ])("on the disk with %s is told and got anew", async (_, spoil, words) => {
    const { platform, authority } = begun({ domains: ["a.test", "b.test"] });
    await world.pass(10 * SECOND);
    world.told();
    const path = "/state/ca.test-dir/a.test.pem";
    const spoilt = spoil(world.file("a.test.pem")!, world.file("b.test.pem")!);
    platform.files.bytes.set(path, new TextEncoder().encode(spoilt));
    world.begin({ domains: ["a.test"] });
    expect(world.told()[0]).toContain(words);
    await world.pass(10 * SECOND);
    expect(authority.orders).toHaveLength(3);
    expect(world.issued.state.awaited).toEqual([]);
  });

  test("that has expired when it is issued is a failure, and not asked for again and again", async () => {
    const { authority } = begun();
    authority.lifetimeMs = DAY;
    authority.clockBehindMs = 2 * DAY;
    await world.pass(30 * SECOND);
    expect(authority.orders).toHaveLength(1);
    expect(world.told().at(-1)).toContain("it has expired by this clock");
  });

  test("of which little is left by this clock when it is issued is kept for two thirds of that", async () => {
    const { authority } = begun();
    authority.clockBehindMs = 80 * DAY;
    await world.pass(6 * DAY);
    expect(authority.orders).toHaveLength(1);
    await world.pass(DAY);
    expect(authority.orders).toHaveLength(2);
  });

  test("that the authority issues for another key or name is not taken", async () => {
    const { authority } = begun();
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
    const strange = await authority.certificate(
      "a.test",
      spki,
      world.platform.wallClock(),
      world.platform.wallClock() + DAY,
    );
    const headers = { "content-type": "application/pem-certificate-chain" };
    authority.instead = (path) => (path.startsWith("certificate/") ? new Response(strange, { headers }) : undefined);
    await world.pass(10 * SECOND);
    expect(world.issued.state.awaited).toEqual(["a.test"]);
    expect(world.told().at(-1)).toContain("what was issued cannot be used: the key belongs to another certificate");
  });
});

test("tokens stand in the folder for others that share it, as long as they are pending", async () => {
  const { authority } = begun();
  const seen: (string | undefined)[] = [];
  authority.instead = (path) => {
    if (path.startsWith("challenge/")) seen.push(world.file("answers.json"));
    return undefined;
  };
  await world.pass(10 * SECOND);
  expect(seen).toEqual([expect.stringMatching(/^\{"(token-of-order-0-x+)":"\1\.[\w-]{43}"\}\n$/)]);
  expect(world.file("answers.json")).toBe("{}\n");
  expect(world.issued.state.answersFile).toBe("/state/ca.test-dir/answers.json");
});

describe("an authority that says when to renew", () => {
  const iso = (ms: number): string => new Date(ms).toISOString();

  test("is believed, asked again when it says, and told which certificate is replaced", async () => {
    const { authority, issued, platform } = begun();
    const now = platform.wallClock();
    authority.window = { start: iso(now + 10 * DAY), end: iso(now + 11 * DAY), retryAfter: "7200" };
    await world.pass(10 * SECOND);
    const id = certificateId(issued.state.certificates[0]!.cert);
    expect(authority.asked).toContain(`GET renewal/${id}`);
    expect(authority.orders).toEqual([{ domain: "a.test", replaces: undefined }]);
    const looks = (): number => authority.asked.filter((each) => each.startsWith("GET renewal/")).length;
    await world.pass(2 * HOUR - MINUTE);
    expect(looks()).toBe(1);
    await world.pass(2 * MINUTE);
    expect(looks()).toBe(2);
    const at = await world.passUntil(() => authority.orders.length === 2, 12 * DAY);
    expect(at).toBeGreaterThanOrEqual(now + 10 * DAY);
    expect(at).toBeLessThan(now + 11 * DAY + MINUTE);
    expect(authority.orders[1]!.replaces).toBe(id);
  });

  test("may move the window into the past: the certificate is renewed at once, also by the next process", async () => {
    const { authority, platform } = begun();
    const now = platform.wallClock();
    authority.window = { start: iso(now + 10 * DAY), end: iso(now + 11 * DAY) };
    await world.pass(HOUR);
    authority.window = { start: iso(now - 2 * DAY), end: iso(now - DAY) };
    world.begin();
    await world.pass(6 * HOUR);
    expect(authority.orders.length).toBeGreaterThan(1);
    // It never comes to its senses: a certificate that was just issued is kept for an hour.
    const before = authority.orders.length;
    await world.pass(10 * HOUR);
    expect(authority.orders.length - before).toBeLessThanOrEqual(10);
  });

  test("and why: the operator is told once, with its words in one line", async () => {
    const { authority, platform } = begun();
    const now = platform.wallClock();
    const explanationURL = "https://ca.test/why\n";
    authority.window = { start: iso(now + 10 * DAY), end: iso(now + 10 * DAY + 1), retryAfter: "3600", explanationURL };
    await world.pass(5 * HOUR);
    world.begin();
    await world.pass(5 * HOUR);
    expect(world.told().slice(1)).toEqual([
      "info: listen.tls.acme: a.test: the authority wants it renewed about 2026-12-05T12:00:01Z: https://ca.test/why ",
    ]);
  });

  test("gives a moment by chance, which stays as long as the window does, and over restarts", async () => {
    const { authority, platform } = begun();
    const now = platform.wallClock();
    authority.window = { start: iso(now + 10 * DAY), end: iso(now + 20 * DAY), retryAfter: "3600" };
    await world.pass(MINUTE);
    const momentOf = (): unknown =>
      (JSON.parse(world.file("records.json")!) as { domains: Record<string, { look: { at: number } }> }).domains[
        "a.test"
      ]!.look.at;
    const moment = momentOf();
    await world.pass(HOUR);
    expect(momentOf()).toBe(moment);
    world.begin();
    await world.pass(2 * HOUR);
    expect(momentOf()).toBe(moment);
    authority.window = { start: iso(now + 11 * DAY), end: iso(now + 20 * DAY), retryAfter: "3600" };
    await world.pass(HOUR);
    expect(momentOf()).not.toBe(moment);
  });

  test.each<[string, () => Response]>([
    ["an error", () => problem(500, "serverInternal", "broken")],
    ["no window", () => Response.json({})],
    ["a window that ends before it begins", () => Response.json({ suggestedWindow: { start: iso(DAY), end: iso(0) } })],
    ["no JSON", () => new Response("<html>")],
  ])("and answers with %s: the lifetime decides, and it is asked again hours later", async (_, answer) => {
    const { authority } = begun();
    authority.window = { start: iso(0), end: iso(1) };
    authority.instead = (path) => (path.startsWith("renewal/") ? answer() : undefined);
    await world.pass(DAY);
    expect(authority.asked.filter((each) => each.startsWith("GET renewal/")).length).toBeLessThanOrEqual(5);
    expect(world.told()[1]).toStartWith("warn: listen.tls.acme: a.test: the authority does not say when to renew");
    await world.passUntil(() => authority.orders.length === 2, 60 * DAY);
  });

  test("knows of a certificate that was replaced before: the order is sent without it", async () => {
    const { authority, platform } = begun();
    const now = platform.wallClock();
    authority.window = { start: iso(now - 2), end: iso(now - 1) };
    let refused = 0;
    authority.instead = (path, { replaces }) =>
      path === "order" && replaces !== undefined && ++refused > 0
        ? problem(409, "alreadyReplaced", "again")
        : undefined;
    await world.passUntil(() => authority.orders.length === 2, 2 * HOUR);
    expect(refused).toBe(1);
    expect(authority.orders[1]!.replaces).toBeUndefined();
  });
});

describe("an account", () => {
  test("is bound to the external one, which the authority asks for", async () => {
    const key = Buffer.from("a key of the authority's own").toString("base64url");
    const { authority } = begun({ externalAccount: external("kid-1", key) });
    authority.bindings = { "kid-1": key };
    await world.pass(10 * SECOND);
    expect(world.issued.state.awaited).toEqual([]);
    expect(JSON.stringify([...world.platform.notices, world.file("records.json")])).not.toContain(key);
  });

  test("that has to be bound and is not: nothing is asked for, and the option is named", async () => {
    const { authority } = begun({ domains: ["a.test", "b.test"] });
    authority.bindings = {};
    await world.pass(30 * SECOND);
    expect(authority.asked).toEqual(["GET dir"]);
    expect(world.told()).toEqual([expect.stringContaining("write listen.tls.acme.externalAccount")]);
  });

  test("is made once, and told of another contact", async () => {
    const { authority } = begun({ contact: ["mailto:a@a.test"] });
    await world.pass(10 * SECOND);
    expect([...authority.contacts.values()]).toEqual([["mailto:a@a.test"]]);
    world.begin({ contact: ["mailto:b@a.test"], domains: ["a.test", "b.test"] });
    await world.pass(10 * SECOND);
    expect([...authority.contacts.values()]).toEqual([["mailto:b@a.test"]]);
    expect(authority.asked.filter((each) => each === "POST account")).toHaveLength(1);
  });

  test.each([
    "{",
    "{}",
    '{"key":{}}',
    '{"key":{"kty":"EC","crv":"P-256","x":"","y":"","d":""},"url":"https://ca.test/account/x"}',
  ])("of which nobody can read the key is made anew: %s", async (text) => {
    const { authority, platform } = begun();
    platform.files.bytes.set("/state/ca.test-dir/account.json", new TextEncoder().encode(text));
    await world.pass(10 * SECOND);
    expect(world.issued.state.awaited).toEqual([]);
    expect(authority.asked).toContain("POST account");
  });

  test("that the authority has forgotten is made anew with the same key, at the next try", async () => {
    const { authority } = begun();
    await world.pass(10 * SECOND);
    const { key } = JSON.parse(world.file("account.json")!) as { key: object };
    authority.forget();
    world.issuer!.serve(["a.test", "b.test"]);
    await world.pass(5 * MINUTE);
    expect(authority.orders.map(({ domain }) => domain)).toEqual(["a.test", "b.test"]);
    expect(JSON.parse(world.file("account.json")!)).toMatchObject({ key });
  });
});
