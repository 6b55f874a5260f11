// bcrypt in JavaScript, against the hashes that Bun makes: Deno and Cloudflare check what the executable checks.
import { describe, expect, test } from "bun:test";
import { bcryptVerify } from "../../src/platforms/bcrypt.ts";

const PASSWORD = "correct horse: bättery";
const HASH = Bun.password.hashSync(PASSWORD, { algorithm: "bcrypt", cost: 4 });

describe("bcrypt", () => {
  test.each(["$2a$", "$2b$", "$2y$"])("of the form %s is checked as Bun does", async (form) => {
    const hash = form + HASH.slice(4);
    for (const password of [PASSWORD, "other", "", PASSWORD.normalize("NFD")]) {
      expect(await bcryptVerify(password, hash)).toBe(await Bun.password.verify(password, hash));
    }
  });

  test("looks at all of a password of 72 bytes", async () => {
    const longest = "p".repeat(71);
    const hash = await Bun.password.hash(`${longest}a`, { algorithm: "bcrypt", cost: 4 });
    expect([await bcryptVerify(`${longest}a`, hash), await bcryptVerify(`${longest}b`, hash)]).toEqual([true, false]);
  });

  test("is the only form that is checked", async () => {
    const argon2 = await Bun.password.hash("x", { algorithm: "argon2id", memoryCost: 8, timeCost: 1 });
    expect(bcryptVerify("x", argon2)).rejects.toThrow("bcrypt only");
    expect(bcryptVerify("x", "x")).rejects.toThrow("bcrypt only");
  });
});
