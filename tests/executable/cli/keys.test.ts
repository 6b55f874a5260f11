// `sluice keys` and `sluice password`: what they make is right, what they are given is never shown.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checksumHolds } from "../../../src/auth/api-key/key-form.ts";
import { EXECUTABLE } from "../../support/executable.ts";
import { until } from "../../support/deadline.ts";
import { cleanEnvironment, cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

interface Made {
  readonly key: string;
  readonly hash: string;
}

/** A new key, as a program makes it. */
async function newKey(...flags: string[]): Promise<Made> {
  const { code, stdout } = await sluice(["keys", "new", "--json", ...flags]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Made;
}

/** A config whose consumers are these, with a scheme. */
const configOf = (consumers: string, more = ""): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  ${consumers}${more}
  auth: { key: apiKey() },
  routes: { hello: { match: "/hello", auth: "key", answer: { body: "hello" } } },
});
`;

describe("keys new", () => {
  test("prints a key once, its hash, and lines for the config that are right", async () => {
    const cwd = folderWith({});
    const { code, stdout, stderr } = await sluice(["keys", "new", "--consumer=acme", "--expires=2099-01-31"], { cwd });
    expect([code, stderr]).toEqual([0, ""]);
    const [, key] = /^key {3}(sk_[0-9A-Za-z]{22}_[0-9A-Za-z]{6})$/m.exec(stdout)!;
    expect(stdout.split(key!)).toHaveLength(2);
    expect(stdout).toContain(`hash  ${hashOf(key!)}\n`);
    expect(checksumHolds(key!)).toBe(true);

    const [, line] = /in the config:\n(.*)\n/.exec(stdout)!;
    const yaml = stdout.slice(stdout.indexOf("  consumers:\n")).replaceAll(/^ {2}/gm, "");
    writeFileSync(join(cwd, "gateway.config.ts"), configOf(line!));
    writeFileSync(join(cwd, "file.config.ts"), configOf('keys: { file: "keys.yaml" },'));
    writeFileSync(join(cwd, "keys.yaml"), yaml);
    for (const config of ["gateway.config.ts", "file.config.ts"]) {
      const verified = await sluice(["keys", "verify", `--config=${config}`], { cwd, input: `${key}\n` });
      expect(verified).toEqual({
        code: 0,
        stderr: "",
        stdout: `checksum  right\nhash      ${hashOf(key!)}\nconsumer  acme (key ${hashOf(key!).slice(7, 15)}, good until 2099-02-01T00:00:00.000Z) in ${config}\n`,
      });
    }
  });

  test("never makes a key twice, and takes the prefix it is given", async () => {
    const made = [await newKey(), await newKey(), await newKey("--prefix=acme_live")];
    expect(new Set(made.map(({ key }) => key)).size).toBe(3);
    expect(made[2]!.key).toStartWith("acme_live_");
    for (const { key, hash } of made) expect(hash).toBe(hashOf(key));
  });

  test.each([
    ["--prefix=SK", "--prefix begins with a lower-case letter"],
    ["--prefix=sk_", "--prefix begins with a lower-case letter"],
    ["--consumer=a b", "--consumer is a name"],
    ["--expires=tomorrow", "--expires is a date"],
    ["--expires=2027-02-30", "--expires is a date"],
    ["--expires=2001-01-01", "--expires=2001-01-01 is over"],
    ["extra", '"extra" is one too many'],
    ["--jsno", "Did you mean --json?"],
  ])("%s is a mistake", async (word, message) => {
    const { code, stdout, stderr } = await sluice(["keys", "new", word]);
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(message);
  });
});

describe("keys verify", () => {
  test("says that a checksum is wrong, or that there is none, without showing the key", async () => {
    const { key } = await newKey();
    const typo = `${key.slice(0, -1)}${key.endsWith("a") ? "b" : "a"}`;
    for (const [shown, code, checksum] of [
      [key, 0, "right"],
      [typo, 1, "wrong: a typo, or a part is missing"],
      ["of-another-maker", 0, "none: the key was not made by sluice keys new"],
    ] as const) {
      for (const words of [
        ["keys", "verify"],
        ["keys", "verify", "-"],
      ]) {
        expect(await sluice(words, { input: `${shown}\n`, cwd: folderWith({}) })).toEqual({
          code,
          stderr: "",
          stdout: `checksum  ${checksum}\nhash      ${hashOf(shown)}\n`,
        });
      }
    }
  });

  test("takes a key from the command line, and says why that is no good place", async () => {
    const { key } = await newKey();
    const { code, stdout, stderr } = await sluice(["keys", "verify", key], { cwd: folderWith({}) });
    expect(code).toBe(0);
    expect(stderr).toContain("pipe it in");
    expect(stdout + stderr).not.toContain(key);
  });

  const CONFIG = configOf(
    `consumers: { acme: { keys: ["${hashOf("good")}", { hash: "${hashOf("old")}", expires: "2020-01-31", id: "first" }] } },`,
  );
  test.each([
    ["good", 0, `acme (key ${hashOf("good").slice(7, 15)}) in gateway.config.ts`, true],
    ["old", 1, "acme (key first, expired at 2020-02-01T00:00:00.000Z) in gateway.config.ts", false],
    ["nobody", 1, "nobody's in gateway.config.ts", false],
  ] as const)("asks the config beside it whose %p is", async (key, code, whose, good) => {
    const cwd = folderWith({ "gateway.config.ts": CONFIG });
    const run = await sluice(["keys", "verify"], { cwd, input: key });
    expect([run.code, run.stdout.split("consumer  ")[1]]).toEqual([code, `${whose}\n`]);
    const json = await sluice(["keys", "verify", "--json"], { cwd, input: key });
    expect(JSON.parse(json.stdout)).toMatchObject({ checksum: "none", hash: hashOf(key), good });
  });

  test("can do without a config that is wrong, unless it was asked for by name", async () => {
    const cwd = folderWith({ "gateway.config.ts": configOf("consumers: { acme: { keys: [1] } },") });
    const run = await sluice(["keys", "verify"], { cwd, input: "key" });
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("hash      ")]);
    expect(run.stderr).toContain("consumers.acme.keys.0");
    const asked = await sluice(["keys", "verify", "--config=gateway.config.ts"], { cwd, input: "key" });
    expect([asked.code, asked.stdout]).toEqual([78, ""]);
    expect((await sluice(["keys", "verify", "--config=other.ts"], { cwd, input: "key" })).code).toBe(66);
  });

  test.each([
    ["", "There is no key on standard input."],
    ["\n", "There is no key on standard input."],
    ["a\nb\n", "more than one line"],
    ["k".repeat(70_000), "too long for a key"],
  ])("%p is no key", async (input, message) => {
    const { code, stderr } = await sluice(["keys", "verify"], { input, cwd: folderWith({}) });
    expect(code).toBe(64);
    expect(stderr).toContain(message);
  });

  test("knows what no key can be", async () => {
    const run = await sluice(["keys", "verify"], { input: "two words", cwd: folderWith({}) });
    expect(run.code).toBe(1);
    expect(run.stdout).toContain("key       not one");
  });
});

describe("keys", () => {
  test.each([
    [["keys"], "Name what to do: sluice keys new or verify."],
    [["keys", "verfy"], "Did you mean sluice keys verify?"],
    [["keys", "--json"], "sluice keys is followed by new or verify."],
    [["kyes"], "Did you mean sluice keys?"],
  ])("%p is a mistake", async (words, message) => {
    const { code, stderr } = await sluice(words);
    expect(code).toBe(64);
    expect(stderr).toContain(message);
  });

  test("--help tells of both, and each of itself", async () => {
    const both = await sluice(["keys", "--help"]);
    expect(both.stdout).toContain("sluice keys new [flags]");
    expect(both.stdout).toContain("sluice keys verify [key] [flags]");
    const one = await sluice(["keys", "verify", "--help"]);
    expect(one.stdout).toContain("sluice keys verify [key] [flags]");
    expect(one.stdout).not.toContain("keys new [flags]");
  });
});

describe("password", () => {
  test.each([
    [[], "argon2id", /^\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+\n$/],
    [["--bcrypt"], "bcrypt", /^\$2b\$10\$\S{53}\n$/],
  ] as const)("%p prints a hash by which the password is known", async (flags, _, form) => {
    const { code, stdout, stderr } = await sluice(["password", ...flags], { input: "pässword:1\n" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(form);
    expect(await Bun.password.verify("pässword:1", stdout.trim())).toBe(true);
  });

  test("reads letters with accents alike, however they are put together", async () => {
    const { stdout } = await sluice(["password", "--bcrypt"], { input: "cafe\u0301" });
    expect(await Bun.password.verify("caf\u00e9", stdout.trim())).toBe(true);
  });

  test.each([
    ["", [], "There is no password"],
    ["a\tb", [], "no control characters"],
    ["p".repeat(513), [], "512 bytes at most"],
    ["p".repeat(73), ["--bcrypt"], "72 bytes at most"],
    ["a\nb", [], "more than one line"],
  ] as const)("%p with %p is none", async (input, flags, message) => {
    const { code, stdout, stderr } = await sluice(["password", ...flags], { input });
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(message);
  });

  test("is asked for twice at a terminal, and not shown", async () => {
    const out = join(folderWith({}), "hash");
    let screen = "";
    await using terminal = new Bun.Terminal({ data: (_, bytes) => void (screen += new TextDecoder().decode(bytes)) });
    const child = Bun.spawn(["sh", "-c", `"$0" password --bcrypt > "$1"`, EXECUTABLE, out], {
      terminal,
      env: cleanEnvironment({}),
    });
    await until(
      () => screen.includes("password (it is not shown): "),
      () => `the question; screen: ${screen}`,
    );
    terminal.write("hush-x\u007fhush\r");
    await until(
      () => screen.includes("password again"),
      () => `the second question; screen: ${screen}`,
    );
    terminal.write("hush-hush\r");
    expect([await child.exited, screen]).toEqual([0, expect.any(String)]);
    expect(screen).not.toContain("hush");
    expect(await Bun.password.verify("hush-hush", readFileSync(out, "utf8").trim())).toBe(true);
  });
});
