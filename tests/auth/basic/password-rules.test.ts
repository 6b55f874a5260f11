// Hashes of passwords that a config may hold: known forms, neither too weak nor too costly.
import { describe, expect, test } from "bun:test";
import { passwordProblem, readHash } from "../../../src/auth/basic/password-rules.ts";

const argon2 = (parameters: string, form = "argon2id", version = "v=19"): string =>
  `$${form}$${version}$${parameters}$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g`;
const bcrypt = (cost: string, version = "2b"): string =>
  `$${version}$${cost}$${"./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXY".slice(0, 53)}`;

describe("a hash", () => {
  test.each([
    [argon2("m=19456,t=2,p=1"), "argon2id"],
    [argon2("m=7168,t=5,p=1"), "argon2id"],
    [argon2("m=262144,t=16,p=16"), "argon2id"],
    [bcrypt("10"), "bcrypt"],
    [bcrypt("15", "2a"), "bcrypt"],
    [bcrypt("12", "2y"), "bcrypt"],
  ] as const)("%p is of %p", (hash, form) => {
    expect(readHash(hash)).toEqual({ form });
  });

  test.each([
    ["hunter2", "Hashes are"],
    ["", "Hashes are"],
    [argon2("m=65536,t=2,p=1", "argon2i"), "Hashes are"],
    [argon2("m=65536,t=2,p=1", "argon2d"), "Hashes are"],
    [argon2("m=65536,t=2,p=1", "argon2id", "v=16"), "Hashes are"],
    [argon2("t=2,m=65536,p=1"), "Hashes are"],
    [argon2("m=65536,t=2,p=1").slice(0, 60), "Hashes are"],
    [`${argon2("m=65536,t=2,p=1")} `, "Hashes are"],
    [argon2("m=4096,t=2,p=1"), "It takes less than 7 MiB"],
    [argon2("m=65536,t=0,p=1"), "It takes less than 7 MiB"],
    [argon2("m=1048576,t=2,p=1"), "It takes more than 256 MiB"],
    [argon2("m=65536,t=100,p=1"), "It takes more than 256 MiB or 16 passes"],
    [bcrypt("05"), "Its cost is less than 10"],
    [bcrypt("16"), "Its cost is more than 15"],
    [bcrypt("10").slice(0, -1), "Hashes are"],
    [bcrypt("10", "2x"), "Hashes are"],
    ["$apr1$abc$def", "Hashes are"],
    ["{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "Hashes are"],
    ["$pbkdf2-sha256$1000$x$y", "Hashes are"],
  ])("%p is refused", (hash, message) => {
    expect(readHash(hash)).toStartWith(message);
  });

  test("that the runtime makes is one", async () => {
    for (const algorithm of ["argon2id", "bcrypt"] as const) {
      expect(readHash(await Bun.password.hash("x", algorithm))).toEqual({ form: algorithm });
    }
  });
});

test.each([
  ["", "argon2id", "An empty password is none"],
  ["a\nb", "argon2id", "A password holds no control characters"],
  ["p".repeat(512), "argon2id", undefined],
  ["é".repeat(257), "argon2id", "A password has 512 bytes at most"],
  ["p".repeat(72), "bcrypt", undefined],
  ["é".repeat(37), "bcrypt", "bcrypt takes 72 bytes at most"],
] as const)("of the password %p for %p it is said: %p", (password, form, problem) => {
  expect(passwordProblem(password, form)).toBe(problem);
});
