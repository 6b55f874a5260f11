// Basic on the executable: the example with both forms of hashes, as the runtime checks them.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { get, problemOf, request } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/basic.config.ts"), "utf8");
const PASSWORDS = { ada: "correct horse: bättery", ops: "s3cret-of-ops" };
const HASHES = {
  ADA_PASSWORD_HASH: Bun.password.hashSync(PASSWORDS.ada, { algorithm: "argon2id", memoryCost: 8192, timeCost: 1 }),
  OPS_PASSWORD_HASH: Bun.password.hashSync(PASSWORDS.ops, { algorithm: "bcrypt", cost: 10 }),
};
const pair = (user: string, password: string): string =>
  `Authorization: Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}`;
const ADA = pair("ada", PASSWORDS.ada);
const OPS = pair("ops", PASSWORDS.ops);

withGateway(
  "the example of Basic",
  {
    origins: { wiki: {} },
    config: ({ wiki }) => EXAMPLE.replace("port: 8080", "port: 0").replace("http://127.0.0.1:9001", wiki.url),
    start: { env: HASHES },
  },
  (rig) => {
    const OUTCOMES: [what: string, raw: string, status: number, code: string | undefined][] = [
      ["ada", get("/wiki/1", ADA), 200, undefined],
      ["ops", get("/wiki/1", OPS), 200, undefined],
      ["ops again", get("/wiki/admin/1", OPS), 200, undefined],
      ["HEAD", request("HEAD", "/wiki/1", "", ADA), 200, undefined],
      ["nobody", get("/wiki/1"), 401, "authentication_required"],
      ["a wrong password", get("/wiki/1", pair("ada", "wrong")), 401, "invalid_credentials"],
      [
        "a password in another case",
        get("/wiki/1", pair("ada", PASSWORDS.ada.toUpperCase())),
        401,
        "invalid_credentials",
      ],
      ["another's password", get("/wiki/1", pair("ada", PASSWORDS.ops)), 401, "invalid_credentials"],
      ["an unknown user", get("/wiki/1", pair("eve", PASSWORDS.ada)), 401, "invalid_credentials"],
      ["malformed credentials", get("/wiki/1", "Authorization: Basic ada:x"), 400, "malformed_credentials"],
      ["a caller of another group", get("/wiki/admin/1", ADA), 403, "access_denied"],
    ];
    test.each(OUTCOMES)("answers %s", async (_, raw, status, code) => {
      const answer = await rig.exchange(raw);
      expect(answer.status).toBe(status);
      if (code !== undefined) expect(problemOf(answer).code).toBe(code);
      if (status === 401) expect(answer.fields.one("www-authenticate")).toBe('Basic realm="wiki", charset="UTF-8"');
    });

    test("tells the upstream the name alone, and nobody the password", async () => {
      await rig.exchange(get("/wiki/seen", ADA));
      const seen = rig.origins.wiki.requests.find(({ target }) => target === "/wiki/seen")!;
      expect(seen.fields.one("x-consumer")).toBe("ada");
      expect(seen.fields.one("authorization")).toBeUndefined();
      const received = Buffer.concat(rig.origins.wiki.connections.map(({ raw }) => raw)).toString("latin1");
      const told = [...rig.gateway.lines, rig.gateway.stderr.text, received].join("\n");
      for (const secret of ["correct horse", PASSWORDS.ops, ADA.slice(21), OPS.slice(21)])
        expect(told).not.toContain(secret);
    });

    test("answers others while passwords are checked, and those that are known at once", async () => {
      const wrong = Array.from({ length: 20 }, (_, i) => rig.exchange(get("/wiki/1", pair("ops", `wrong-${i}`))));
      const began = performance.now();
      expect((await rig.exchange(get("/wiki/1", ADA))).status).toBe(200);
      const known = performance.now() - began;
      for (const answer of await Promise.all(wrong)) expect(answer.status).toBe(401);
      expect(known).toBeLessThan(performance.now() - began);
    });
  },
);
