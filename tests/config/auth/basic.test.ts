// The options of basic and of passwords: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { basic } from "../../../src/config/auth/basic.ts";
import { env } from "../../../src/config/secrets.ts";
import { faultLines, HELLO, planOf } from "../support.ts";

const BCRYPT = `$2b$10$${"a".repeat(53)}`;
const withScheme = (options: object): object => ({
  auth: { login: basic(options) },
  routes: { hello: { ...HELLO, auth: "login" } },
});
const withPassword = (password: unknown): object => ({ consumers: { acme: { password } }, routes: { hello: HELLO } });

test("a scheme needs no options", () => {
  expect(planOf(withScheme({})).auth.schemes).toEqual([
    { kind: "basic", name: "login", observe: false, realm: "sluice", vouches: [], forward: false },
  ]);
  expect(planOf(withScheme({ realm: "a b", mode: "observe", forward: true })).auth.schemes[0]).toMatchObject({
    realm: "a b",
    observe: true,
    forward: true,
  });
});

test.each([
  [{ realm: 'a"b' }, "auth.login.realm: "],
  [{ realm: "ä" }, "auth.login.realm: "],
  [{ forward: "no" }, "auth.login.forward: "],
  [{ users: {} }, 'auth.login.users: "users" is not an option.'],
])("%p is refused", (options, line) => {
  const lines = faultLines(withScheme(options));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith(line);
});

describe("a password", () => {
  test("is a hash, from the config or from outside it, that prints itself nowhere", () => {
    for (const [password, world] of [
      [BCRYPT, {}],
      [env("HASH"), { env: { HASH: BCRYPT } }],
    ] as const) {
      const [acme] = planOf(withPassword(password), world).auth.consumers;
      expect(acme!.password!.reveal()).toBe(BCRYPT);
      expect(JSON.stringify(acme)).not.toContain("2b");
    }
    expect(planOf({ consumers: { acme: {} }, routes: { hello: HELLO } }).auth.consumers[0]!.password).toBeUndefined();
  });

  test.each([
    ["s3cret", "Hashes are $argon2id$v=19$… and $2b$…"],
    [env("SECRET"), "Hashes are $argon2id$v=19$… and $2b$…"],
    [`$2b$04$${"a".repeat(53)}`, "Its cost is less than 10"],
    [7, "wanted the hash"],
  ])("%p is none, and is not shown", (password, hint) => {
    const lines = faultLines(withPassword(password), { env: { SECRET: "s3cret" } });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith("consumers.acme.password: ");
    if (password !== 7) expect(lines[0]).toContain(hint);
    expect(lines[0]).not.toContain("s3cret");
  });
});
