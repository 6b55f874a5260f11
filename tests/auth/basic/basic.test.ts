// Basic through the whole gateway: who is let in, what each check costs, and what is bounded.
import { describe, expect, test } from "bun:test";
import { basic } from "../../../src/config/auth/basic.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { resolvePlan } from "../../../src/config/resolve.ts";
import { createGateway } from "../../../src/gateway.ts";
import { fieldOf } from "../../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../../src/platforms/fake/peers.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";

const credentials = (user: string, password: string): string =>
  `Authorization: Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;

/** A hash in form; the fake platform takes its end for the password. */
const hashOf = (password: string): string => `$2b$10$${password.padStart(53, ".")}`;
const ARGON2 = `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$${"argon".padStart(43, "a")}`;

const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: {
    acme: { groups: ["partner"], password: hashOf("open") },
    beta: { password: ARGON2 },
    keyless: {},
  },
  auth: { login: basic({ realm: "orders" }), kept: basic({ forward: true }), seen: basic({ mode: "observe" }) },
  routes: {
    all: { match: "/all/*", to: "up", auth: "login" },
    kept: { match: "/kept/*", to: "up", auth: "kept" },
    seen: { match: "/seen/*", to: "up", auth: "seen" },
    partners: { match: "/partners/*", to: "up", auth: "login", allow: { groups: ["partner"] } },
  },
};

/** Each check that was begun, to be ended by the test. */
interface Check {
  readonly password: string;
  readonly hash: string;
  end(): void;
}

/** A world in which checks last until the test ends them. */
async function withChecks(story: (world: World, checks: Check[]) => Promise<void>, options = OPTIONS): Promise<void> {
  await inWorldOf(options, async (world) => {
    const checks: Check[] = [];
    world.platform.verifyPassword = (password, hash) =>
      new Promise((resolve) => checks.push({ password, hash, end: () => resolve(hash.endsWith(password)) }));
    await story(world, checks);
    for (const check of checks) check.end();
    await world.rest();
  });
}

/** Sends a request and waits until so many checks have begun. */
async function ask(
  world: World,
  checks: readonly Check[],
  fields: string[],
  begun: number,
  path = "/all/1",
): Promise<FakeClient> {
  const client = world.ask("GET", path, fields);
  await world.until(`${begun} checks`, () => checks.length === begun);
  return client;
}

async function answered(world: World, client: FakeClient): Promise<number> {
  await world.until("an answer", () => client.statuses.length > 0);
  return client.statuses[0]!;
}

/** Answers as the target does, for the request that is there now. */
async function targetAnswers(world: World, requests: number): Promise<void> {
  await world.until("a request at the target", () => world.a.requests.length === requests);
  world.a.last.answer(200);
  world.settle();
}

describe("a password that is right", () => {
  test("lets in, and the upstream learns the name alone", async () => {
    await withChecks(async (world, checks) => {
      const client = await ask(world, checks, [credentials("acme", "open")], 1);
      expect(checks).toMatchObject([{ password: "open", hash: hashOf("open") }]);
      checks[0]!.end();
      await targetAnswers(world, 1);
      expect(await answered(world, client)).toBe(200);
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("acme");
      expect(fieldOf(world.a.last.request, "authorization")).toBeUndefined();
      expect(world.record).toMatchObject({ "sluice.auth.scheme": "login", "sluice.consumer": "acme" });
    });
  });

  test("is known for a minute without another check", async () => {
    await withChecks(async (world, checks) => {
      await ask(world, checks, [credentials("acme", "open")], 1);
      checks[0]!.end();
      await targetAnswers(world, 1);
      world.advance(59_000);
      world.ask("GET", "/partners/1", [credentials("acme", "open")]);
      await targetAnswers(world, 2);
      expect(checks).toHaveLength(1);
      world.advance(1_000);
      await ask(world, checks, [credentials("acme", "open")], 2);
      checks[1]!.end();
      await targetAnswers(world, 3);
    });
  });

  test("is not taken for another's, nor another for it", async () => {
    await withChecks(async (world, checks) => {
      await ask(world, checks, [credentials("acme", "open")], 1);
      checks[0]!.end();
      await targetAnswers(world, 1);
      let begun = 1;
      for (const [user, password] of [
        ["beta", "open"],
        ["acme", "Open"],
        ["acme", "open "],
        ["Acme", "open"],
        ["acmeo", "pen"],
      ]) {
        const client = await ask(world, checks, [credentials(user!, password!)], ++begun);
        checks.at(-1)!.end();
        expect(await answered(world, client)).toBe(401);
      }
    });
  });

  test("is checked once for all who come with it at the same time", async () => {
    await withChecks(async (world, checks) => {
      const clients = [await ask(world, checks, [credentials("acme", "open")], 1)];
      for (let i = 0; i < 5; i++) clients.push(world.ask("GET", "/all/1", [credentials("acme", "open")]));
      await world.rest();
      checks[0]!.end();
      await world.until("all requests at the target", () => world.a.requests.length === 6);
      for (const connection of world.a.connections) connection.answer(200);
      for (const client of clients) expect(await answered(world, client)).toBe(200);
      expect(checks).toHaveLength(1);
    });
  });

  test("goes on where the scheme forwards it", async () => {
    await withChecks(async (world, checks) => {
      await ask(world, checks, [credentials("acme", "open")], 1, "/kept/1");
      checks[0]!.end();
      await targetAnswers(world, 1);
      expect(fieldOf(world.a.last.request, "authorization")).toStartWith("Basic ");
    });
  });
});

describe("what is refused", () => {
  const CHALLENGE = 'Basic realm="orders", charset="UTF-8"';

  test("no credentials, and those of another scheme, with the challenge and no check", async () => {
    await withChecks(async (world, checks) => {
      for (const fields of [[], ["Authorization: Bearer x"]]) {
        const client = world.ask("GET", "/all/1", fields);
        expect(await answered(world, client)).toBe(401);
        expect(fieldOf(client.answer, "www-authenticate")).toBe(CHALLENGE);
      }
      expect(checks).toHaveLength(0);
    });
  });

  test("malformed credentials with 400, and no check", async () => {
    await withChecks(async (world, checks) => {
      const client = world.ask("GET", "/all/1", ["Authorization: Basic a:b"]);
      expect(await answered(world, client)).toBe(400);
      expect(client.answer.body).toContain("The Basic credentials are malformed.");
      expect(checks).toHaveLength(0);
    });
  });

  test("a wrong password, an unknown user and one without a password alike, each after one check", async () => {
    await withChecks(async (world, checks) => {
      const bodies = new Set<string>();
      const details: unknown[] = [];
      for (const user of ["acme", "nobody", "keyless", "", "__proto__"]) {
        const client = await ask(world, checks, [credentials(user, "wrong")], checks.length + 1);
        checks.at(-1)!.end();
        expect(await answered(world, client)).toBe(401);
        expect(fieldOf(client.answer, "www-authenticate")).toBe(CHALLENGE);
        const { request_id, instance, ...body } = JSON.parse(client.answer.body) as Record<string, unknown>;
        expect(typeof request_id + typeof instance).toBe("stringstring");
        bodies.add(JSON.stringify(body));
        details.push((world.records.at(-1) as { "sluice.error.detail"?: string })["sluice.error.detail"]);
      }
      expect(bodies.size).toBe(1);
      const unknown = "login: no consumer of this name has a password";
      expect(details).toEqual(["login: the password is not that of acme", unknown, unknown, unknown, unknown]);
    });
  });

  test("an unknown user even with the password of the hash that was checked in his place", async () => {
    await withChecks(async (world, checks) => {
      for (let i = 0; i < 6; i++) {
        const password = i % 2 === 0 ? "open" : "argon";
        const client = await ask(world, checks, [credentials(`nobody-${i}`, password)], i + 1);
        checks[i]!.end();
        expect(await answered(world, client)).toBe(401);
      }
      // Whose hash it is depends on the name alone, so that asking again tells nothing.
      const hash = checks[0]!.hash;
      await ask(world, checks, [credentials("nobody-0", "another")], 7);
      expect(checks[6]!.hash).toBe(hash);
    });
  });

  test("what bcrypt would cut off, after a check of something else, whatever that says", async () => {
    const consumers = { acme: { password: hashOf("impossible") } };
    await withChecks(
      async (world, checks) => {
        const client = await ask(world, checks, [credentials("acme", "p".repeat(73))], 1);
        expect(checks[0]!.password).toBe("impossible");
        checks[0]!.end();
        expect(await answered(world, client)).toBe(401);
      },
      { ...OPTIONS, consumers, routes: { all: { match: "/all/*", to: "up", auth: "login" } } },
    );
  });

  test("and nothing of user or password is told to anybody", async () => {
    await withChecks(async (world, checks) => {
      const client = await ask(world, checks, [credentials("s3cret-user", "s3cret-password")], 1);
      checks[0]!.end();
      await answered(world, client);
      const told = JSON.stringify([client.answer, world.records]);
      expect(told).not.toContain("s3cret");
      expect(told).not.toContain(credentials("s3cret-user", "s3cret-password").slice(21, 40));
    });
  });

  test("nobody where the scheme observes, and the credentials stay here", async () => {
    await withChecks(async (world, checks) => {
      await ask(world, checks, [credentials("acme", "wrong")], 1, "/seen/1");
      checks[0]!.end();
      await targetAnswers(world, 1);
      expect(fieldOf(world.a.last.request, "authorization")).toBeUndefined();
      expect(world.record).toMatchObject({
        "sluice.observed": [{ policy: "auth", "error.type": "invalid_credentials" }],
      });
    });
  });
});

describe("checks", () => {
  test("run two at once, sixty-four wait, and more is answered with 503", async () => {
    await withChecks(async (world, checks) => {
      const clients: FakeClient[] = [];
      for (let i = 0; i < 66; i++) clients.push(world.ask("GET", "/all/1", [credentials("acme", `wrong-${i}`)]));
      await world.rest();
      await world.until("two checks", () => checks.length === 2);
      expect(clients.flatMap(({ statuses }) => statuses)).toEqual([]);
      const late = world.ask("GET", "/all/1", [credentials("acme", "open")]);
      expect(await answered(world, late)).toBe(503);
      expect(fieldOf(late.answer, "retry-after")).toBe("1");
      expect(JSON.parse(late.answer.body)).toMatchObject({ code: "authentication_unavailable" });
      for (let done = 0; done < 66; done++) {
        await world.until("the next check", () => checks.length > done);
        expect(checks.length - done).toBeLessThanOrEqual(2);
        checks[done]!.end();
        await world.rest();
      }
      for (const client of clients) expect(await answered(world, client)).toBe(401);
      const last = await ask(world, checks, [credentials("acme", "open")], 67);
      checks[66]!.end();
      await targetAnswers(world, 1);
      expect(await answered(world, last)).toBe(200);
    });
  });

  test("have a place for another address, however many passwords one address tries", async () => {
    const by = (address: string, password: string): string[] => [
      credentials("acme", password),
      `X-Forwarded-For: ${address}`,
    ];
    const options = { ...OPTIONS, listen: { trustedProxies: ["192.0.2.0/24", "127.0.0.0/8"] } };
    await withChecks(async (world, checks) => {
      const flood: FakeClient[] = [];
      for (let i = 0; i < 80; i++) flood.push(world.ask("GET", "/all/1", by(`2001:db8::${i}`, `wrong-${i}`)));
      await world.until("two checks", () => checks.length === 2);
      const right = world.ask("GET", "/all/1", by("198.51.100.1", "open"));
      await world.rest();
      checks[0]!.end();
      checks[1]!.end();
      await world.until("the next checks", () => checks.length === 4);
      expect(checks.slice(2).map(({ password }) => password)).toContain("open");
      checks.find(({ password }) => password === "open")!.end();
      await targetAnswers(world, 1);
      expect(await answered(world, right)).toBe(200);
      for (let done = 0; done < checks.length; done++) {
        checks[done]!.end();
        await world.rest();
      }
      const statuses = flood.map(({ statuses: [status] }) => status);
      expect(statuses.filter((status) => status === 503)).toHaveLength(80 - 66 + 1);
      expect(statuses.filter((status) => status === 401)).toHaveLength(66 - 1);
    }, options);
  });

  test("are not made for clients that have left before their turn", async () => {
    await withChecks(async (world, checks) => {
      await ask(world, checks, [credentials("acme", "wrong-1")], 1);
      await ask(world, checks, [credentials("acme", "wrong-2")], 2);
      const gone = world.ask("GET", "/all/1", [credentials("acme", "wrong-3")]);
      await world.rest();
      gone.reset();
      await world.rest();
      const stays = world.ask("GET", "/all/1", [credentials("acme", "wrong-4")]);
      await world.rest();
      checks[0]!.end();
      await world.until("the next check", () => checks.length === 3);
      expect(checks[2]!.password).toBe("wrong-4");
      for (const check of checks) check.end();
      expect(await answered(world, stays)).toBe(401);
    });
  });

  test("that fail let nobody in", async () => {
    await inWorldOf(OPTIONS, async (world) => {
      world.platform.verifyPassword = () => Promise.reject(new Error("out of memory"));
      const client = world.ask("GET", "/all/1", [credentials("acme", "open")]);
      expect(await answered(world, client)).toBe(503);
      expect(world.record).toMatchObject({ "error.type": "authentication_unavailable" });
    });
  });

  test("that the runtime cannot make are told at the start, and answered with 503", async () => {
    const platform = Object.assign(new FakePlatform(), { passwordForms: ["bcrypt"] as const });
    const { plan } = resolvePlan(
      { ...OPTIONS, upstreams: {}, routes: { own: { match: "/", auth: "login", answer: {} } } },
      {
        env: () => undefined,
        file: () => undefined,
      },
    );
    const gateway = createGateway(plan!, platform);
    expect(platform.notices).toEqual([
      {
        level: "error",
        text: "consumers.beta.password: this runtime cannot check hashes of argon2id; the consumer is answered with 503. `sluice password --bcrypt` makes one that it can.",
      },
    ]);
    platform.verifyPassword = (password, hash) => Promise.resolve(hash.endsWith(password));
    const ask = async (user: string, password: string): Promise<number> => {
      const [name, value] = credentials(user, password).split(": ");
      const response = await gateway.fetch(
        new Request("http://gw.test/", { headers: { [name!]: value! } }),
        "192.0.2.1",
      );
      return response.status;
    };
    expect([await ask("beta", "argon"), await ask("acme", "open"), await ask("nobody", "open")]).toEqual([
      503, 200, 401,
    ]);
    gateway.close();
  });
});
