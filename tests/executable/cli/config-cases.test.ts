// What other gateways' configs have done to their owners (cases GW-49, GW-50), from outside, on the executable.
import { afterAll, describe, expect, test } from "bun:test";
import { startGateway } from "../../support/executable.ts";
import { get } from "../../support/messages.ts";
import { exchange } from "../../support/raw-client.ts";
import { cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

describe("GW-49: which route wins", () => {
  const ROUTES = {
    root: `{ match: "/" }`,
    v1: `{ match: "/v1" }`,
    token: `{ match: "/v1/token" }`,
    id: `{ match: "/v1/:id" }`,
    rest: `{ match: "/v1/*" }`,
    hosted: `{ match: { host: "api.test", path: "/v1/:id" } }`,
    elsewhere: `{ match: { host: "other.test", path: "/*" } }`,
  };
  const names = Object.keys(ROUTES) as (keyof typeof ROUTES)[];
  const config = (order: readonly (keyof typeof ROUTES)[], more = ""): string => `export default {
  listen: { host: "127.0.0.1", port: 0 },
  routes: {
${order.map((name) => `    ${name}: { ...${ROUTES[name]}, answer: { body: "${name}" } },`).join("\n")}
${more}  },
};
`;
  const ASKED: readonly (readonly [host: string, path: string, winner: string])[] = [
    ["any.test", "/", "root"],
    ["any.test", "/v1", "v1"],
    ["any.test", "/v1/token", "token"],
    ["any.test", "/v1/42", "id"],
    ["any.test", "/v1/42/x", "rest"],
    ["api.test", "/v1/42", "hosted"],
    ["api.test", "/v1/42/x", "rest"],
    ["other.test", "/v1/token", "elsewhere"],
  ];

  test.each([
    ["as written", names],
    ["backwards", names.toReversed()],
    ["the hosts first", ["elsewhere", "hosted", "rest", "root", "token", "v1", "id"] as const],
  ])("is the same whatever the order: %s", async (_, order) => {
    const gateway = await startGateway(config(order));
    try {
      for (const [host, path, winner] of ASKED) {
        const answer = await exchange(
          gateway.port,
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        );
        expect({ host, path, winner: answer.body.text }).toEqual({ host, path, winner });
      }
    } finally {
      await gateway.stop();
    }
  });

  test.each([
    ["the same again", `    twin: { match: "/v1/token", answer: {} },\n`],
    ["another name for the parameter", `    twin: { match: "/v1/:other", answer: {} },\n`],
    ["the same in other letters", `    twin: { match: { host: "API.test", path: "/v1/:x" }, answer: {} },\n`],
    ["the same twice over", `    twin: { match: ["/v1/token", "/v1/token"], answer: {} },\n`],
  ])("is no question of luck: %s is a fault, with its place", async (_, twin) => {
    const { code, stderr } = await sluice(["check"], { cwd: folderWith({ "gateway.config.ts": config(names, twin) }) });
    expect(code).toBe(78);
    expect(stderr).toMatch(/gateway\.config\.ts:\d+:\d+ {2}routes\.twin\.match/);
  });

  test("is told with the reason, and for those that lost", async () => {
    const cwd = folderWith({ "gateway.config.ts": config(names) });
    const { stdout } = await sluice(["explain", "http://any.test/v1/token"], { cwd });
    expect(stdout).toMatch(/token +\/v1\/token +wins/);
    expect(stdout).toMatch(/id +\/v1\/:id +(?!wins)\S/);
    expect(stdout).toMatch(/rest +\/v1\/\* +(?!wins)\S/);
  });
});

describe("GW-50: a value of the environment", () => {
  const CONFIG = `import { apiKey, defineGateway, env } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  consumers: { acme: { keys: [env("ACME_KEY_HASH")] } },
  auth: { key: apiKey() },
  routes: { all: { match: "/*", auth: "key", answer: { body: "hello" } } },
});
`;
  const hashOf = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
  const cwd = (): string => folderWith({ "gateway.config.ts": CONFIG });

  test.each<[string, Record<string, string>]>([
    ["that is not there", {}],
    ["that is empty", { ACME_KEY_HASH: "" }],
    ["that is blank", { ACME_KEY_HASH: " " }],
    ["that is the word undefined", { ACME_KEY_HASH: "undefined" }],
    ["that nobody has put in its place", { ACME_KEY_HASH: "${ACME_KEY_HASH}" }],
    ["whose file is empty", { ACME_KEY_HASH_FILE: "/dev/null" }],
    ["that is the hash of nothing", { ACME_KEY_HASH: hashOf("") }],
    ["that is a key in place of its hash", { ACME_KEY_HASH: "k3y-8f1c" }],
  ])("%s stops check and run, and is not shown", async (_, env) => {
    const folder = cwd();
    for (const verb of ["check", "run"]) {
      const { code, stderr } = await sluice([verb], { cwd: folder, env });
      expect({ verb, code }).toEqual({ verb, code: 78 });
      expect(stderr).toContain("gateway.config.ts:4:31  consumers.acme.keys.0: ");
      expect(stderr).not.toContain("k3y-8f1c");
      expect(stderr).not.toContain(hashOf("").slice(7));
    }
  });

  test("is that of the start, and no key that is empty opens anything", async () => {
    for (const key of ["first", "second"]) {
      const gateway = await startGateway(CONFIG, { env: { ACME_KEY_HASH: hashOf(key) } });
      const statusOf = async (shown: string): Promise<number> =>
        (await exchange(gateway.port, get("/", `X-API-Key: ${shown}`))).status;
      try {
        expect([await statusOf("first"), await statusOf("second")]).toEqual(key === "first" ? [200, 401] : [401, 200]);
        for (const nothing of ["", " ", "undefined", "null", "${ACME_KEY_HASH}"]) {
          expect(await statusOf(nothing)).toBeGreaterThanOrEqual(400);
        }
      } finally {
        await gateway.stop();
      }
    }
  });
});
