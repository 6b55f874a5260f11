// API keys on the executable: the example, a key file that changes, and that a key stays between client and gateway.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newKey } from "../../../src/auth/api-key/key-form.ts";
import { closedPort } from "../../support/closed-port.ts";
import { until } from "../../support/deadline.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";
import { cleanUp, folderWith, sluice } from "../cli/run-sluice.ts";

afterAll(cleanUp);

const EXAMPLES = join(import.meta.dir, "../../../examples/auth");
const EXAMPLE = readFileSync(join(EXAMPLES, "api-key.config.ts"), "utf8");
const KEYS = readFileSync(join(EXAMPLES, "api-key.keys.yaml"), "utf8");
const PARTNER = "example_18FMTahov29GNUbipw3AHO_1E8IzQ";

const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
const SHOP = newKey("sk", (bytes) => crypto.getRandomValues(new Uint8Array(bytes)));

withGateway(
  "the example of API keys",
  {
    origins: { orders: {} },
    config: ({ orders }) => EXAMPLE.replace("port: 8080", "port: 0").replace("http://127.0.0.1:9001", orders.url),
    start: { env: { SHOP_KEY_HASH: hashOf(SHOP) }, files: { "api-key.keys.yaml": KEYS } },
  },
  (rig) => {
    test("is up with the keys of config and file", async () => {
      expect((await rig.exchange(get("/health"))).status).toBe(200);
    });

    const OUTCOMES: [what: string, raw: string, status: number, code: string | undefined][] = [
      ["no key", get("/orders/1"), 401, "authentication_required"],
      ["an unknown key", get("/orders/1", "X-API-Key: nobody"), 401, "invalid_credentials"],
      [
        "an expired key",
        get("/orders/1", "X-API-Key: example_old_5CJQXelsz6DKRYfmt07ELS_37tpKE"),
        401,
        "invalid_credentials",
      ],
      ["two keys", get("/orders/1", `X-API-Key: ${SHOP}`, `X-API-Key: ${SHOP}`), 400, "malformed_credentials"],
      ["a key where none is read", get(`/orders/1?api_key=${SHOP}`), 401, "authentication_required"],
      ["a consumer of another group", get("/internal/1", `X-API-Key: ${PARTNER}`), 403, "access_denied"],
      ["a good key", get("/orders/1", `X-API-Key: ${SHOP}`), 200, undefined],
      ["a good key of the file", get("/orders/1", `X-API-Key: ${PARTNER}`), 200, undefined],
      ["a good key as Bearer token", get("/feed", `Authorization: Bearer ${PARTNER}`), 200, undefined],
      ["a good key in the query", get(`/feed?api_key=${PARTNER}`), 200, undefined],
      ["a good key of the group", get("/internal/1", `X-API-Key: ${SHOP}`), 200, undefined],
    ];
    test.each(OUTCOMES)("answers %s", async (_, raw, status, code) => {
      const answer = await rig.exchange(raw);
      expect(answer.status).toBe(status);
      if (code !== undefined) expect(problemOf(answer).code).toBe(code);
      if (status === 401) expect(answer.fields.one("www-authenticate")).toContain('ApiKey realm="sluice"');
    });
  },
);

/** A config with a key file, and a scheme that takes keys from everywhere. */
const configFor = (target: string): string => `import { apiKey, defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: ["${target}"] }, down: { targets: ["http://127.0.0.1:${closedPort()}"] } },
  consumers: { acme: { keys: ["${hashOf(SHOP)}"] } },
  keys: { file: "keys.yaml" },
  auth: { key: apiKey({ bearer: true, query: "partner_key" }) },
  routes: {
    up: { match: "/up/*", to: "up", auth: "key" },
    down: { match: "/down/*", to: "down", auth: "key" },
    nobody: { match: "/nobody/*", to: "up", auth: "key", allow: { consumers: ["beta"] } },
    own: { match: "/own/*", auth: "key", handler: () => { throw new Error("a fault of the user's own code"); } },
  },
  log: { format: "json" },
});
`;
const fileOf = (...keys: string[]): string =>
  `consumers:\n  beta:\n    keys:\n${keys.map((key) => `      - "${hashOf(key)}"\n`).join("")}`;

withGateway(
  "a key",
  {
    origins: { up: {} },
    config: ({ up }) => configFor(up.url),
    start: { files: { "keys.yaml": fileOf("beta-1") } },
  },
  (rig) => {
    const WRONG = `${SHOP.slice(0, -8)}XXXXXXXX`;
    const PLACES: [place: string, head: (path: string, key: string) => string][] = [
      ["in X-API-Key", (path, key) => get(path, `X-API-Key: ${key}`)],
      ["as Bearer token", (path, key) => get(path, `Authorization: Bearer ${key}`)],
      ["in the query", (path, key) => get(`${path}?a=1&partner_key=${key}&b=2`)],
      ["in the query in another case", (path, key) => get(`${path}?a=1&Partner_Key=${key}`)],
      ["in the query with escapes", (path, key) => get(`${path}?a=1&partner%5Fkey=${key}`)],
      ["in the query of a POST", (path, key) => request("POST", `${path}?partner_key=${key}`, "x")],
      ["in the query of HEAD", (path, key) => request("HEAD", `${path}?partner_key=${key}`)],
      [
        "twice",
        (path, key) => get(`${path}?partner_key=${key}&partner_key=${key}`, `X-API-Key: ${key}`, `X-API-Key: ${key}`),
      ],
      [
        "in two places",
        (path, key) => get(`${path}?partner_key=${key}`, `X-API-Key: ${key}`, `Authorization: Bearer ${key}`),
      ],
    ];
    const PATHS = ["/up/1", "/down/1", "/nobody/1", "/own/1", "/nowhere"];
    // Case GW-46. A key on a path without its scheme goes where the request goes, so `/up` needs a scheme to strip it.
    describe.each(PLACES)("%s", (_, head) => {
      test.each(PATHS)("that is good or wrong stands nowhere after %s", async (path) => {
        const before = rig.gateway.log.length;
        const answers: string[] = [];
        for (const key of [SHOP, WRONG]) {
          const answer = await rig.exchange(head(path, key));
          answers.push(`${answer.headText}${answer.body.text}`);
        }
        await until(
          () => rig.gateway.log.length >= before + 2,
          () => "the records of both",
        );
        const received = Buffer.concat(rig.origins.up.connections.map(({ raw }) => raw)).toString("latin1");
        const told = [...answers, ...rig.gateway.lines, rig.gateway.stderr.text, received].join("\n");
        for (const secret of [SHOP, WRONG, SHOP.slice(3, 20), hashOf(SHOP).slice(7)])
          expect(told).not.toContain(secret);
      });
    });

    test("in the query leaves every other byte of it to the upstream", async () => {
      const path = "/up/raw?a=%20+b&partner_key=KEY&&=&%&b=1;c";
      await rig.exchange(get(path.replace("KEY", SHOP)));
      const seen = rig.origins.up.requests.find(({ target }) => target.startsWith("/up/raw"));
      expect(seen?.target).toBe("/up/raw?a=%20+b&&=&%&b=1;c");
    });
  },
);

withGateway(
  "a key file",
  {
    origins: { up: {} },
    config: ({ up }) => configFor(up.url),
    start: { files: { "keys.yaml": fileOf("beta-1") } },
  },
  (rig) => {
    const statusOf = async (key: string): Promise<number> =>
      (await rig.exchange(get("/up/1", `X-API-Key: ${key}`))).status;
    const told = (text: string): Promise<unknown> =>
      until(
        () => rig.gateway.stderr.text.includes(text),
        () => `"${text}" on stderr: ${rig.gateway.stderr.text}`,
      );

    test("gives and takes keys while the gateway runs, and a broken one changes nothing", async () => {
      const file = join(rig.gateway.folder, "keys.yaml");
      expect([await statusOf("beta-1"), await statusOf("beta-2")]).toEqual([200, 401]);

      writeFileSync(file, fileOf("beta-2", "beta-3"));
      await told("3 API keys are good from now on.");
      expect([await statusOf("beta-1"), await statusOf("beta-2"), await statusOf(SHOP)]).toEqual([401, 200, 200]);

      writeFileSync(file, `${fileOf("beta-4")}      - sk_pasted_by_mistake\n`);
      await told("keys.yaml:5:9: wanted the hash of an API key");
      expect(rig.gateway.stderr.text).not.toContain("sk_pasted");
      expect([await statusOf("beta-2"), await statusOf("beta-4")]).toEqual([200, 401]);

      writeFileSync(`${file}.new`, fileOf("beta-5"));
      renameSync(`${file}.new`, file);
      await told("2 API keys are good from now on.");
      expect([await statusOf("beta-2"), await statusOf("beta-5")]).toEqual([401, 200]);

      rmSync(file);
      await told("keys.yaml: it cannot be read");
      expect(await statusOf("beta-5")).toBe(200);
      writeFileSync(file, "consumers: {}\n");
      await told("1 API keys are good from now on.");
      expect(await statusOf("beta-5")).toBe(401);
    });
  },
);

describe("a key file that is wrong", () => {
  const FILES = {
    "gateway.config.ts": configFor("http://127.0.0.1:1"),
    "keys.yaml": "consumers:\n  beta:\n    keys: [sk_secret]\n",
  };
  const LINE =
    'keys.yaml:3:12  keys.file: wanted the hash of an API key: "sha256:" and 64 hexadecimal digits. `sluice keys new` prints it beside a new key. A key itself is never stored.\n';

  test("is told by check with its place, and stops the start", async () => {
    const cwd = folderWith(FILES);
    const check = await sluice(["check"], { cwd });
    expect([check.code, check.stderr]).toEqual([78, LINE]);
    const run = await sluice(["run"], { cwd });
    expect([run.code, run.stderr]).toEqual([78, LINE]);
    const json = await sluice(["check", "--json"], { cwd });
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      faults: [{ file: join(cwd, "keys.yaml"), line: 3, column: 12, path: "keys.file" }],
    });
  });

  test("is told at the config when it is not there", async () => {
    const check = await sluice(["check"], { cwd: folderWith({ "gateway.config.ts": FILES["gateway.config.ts"] }) });
    expect(check.code).toBe(78);
    expect(check.stderr).toContain("gateway.config.ts:6:");
    expect(check.stderr).toContain("No such file can be read.");
  });
});
