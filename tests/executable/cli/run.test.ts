// `sluice run`: where it listens, how signals end it, and what it does when it cannot listen.
import { afterAll, describe, expect, test } from "bun:test";
import manifest from "../../../package.json" with { type: "json" };
import { until } from "../../support/deadline.ts";
import { cleanUp, folderWith, RIGHT_CONFIG, type Running, sluice, startSluice } from "./run-sluice.ts";

afterAll(cleanUp);

const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

/** An origin that holds its answers until they are let go. */
function holdingOrigin(): { url: string; held: () => number; letGo: () => void } {
  const waiting: (() => void)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Promise<Response>((resolve) => waiting.push(() => resolve(new Response("at last")))),
  });
  const letGo = (): void => {
    for (const answer of waiting.splice(0)) answer();
  };
  stops.push(async () => {
    letGo();
    await server.stop(true);
  });
  return { url: `http://127.0.0.1:${server.port}`, held: () => waiting.length, letGo };
}

function configFor(origin: string, more = ""): string {
  return `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { origin: { targets: ["${origin}"] } },
  routes: {
    origin: { match: "/*", to: "origin" },
    hello: { match: "/hello", answer: { body: "hello" } },
  },
  ${more}
});
`;
}

/** Ends a gateway whose end is not the point of the test. */
async function stop(gateway: Running): Promise<void> {
  gateway.signal("SIGTERM");
  expect(await gateway.ended()).toBe(0);
}

describe("listening", () => {
  test("one line on stderr tells name, version, address and what the plan holds", async () => {
    const gateway = await startSluice([], {
      cwd: folderWith({ "gateway.config.ts": configFor("http://127.0.0.1:9") }),
    });
    expect(gateway.output.stderr).toMatch(
      new RegExp(
        `^sluice ${manifest.version}[^ ]* listening on http://127\\.0\\.0\\.1:\\d+ \\(2 routes, 1 upstream\\)\\n$`,
      ),
    );
    expect(gateway.output.stdout).toBe("");
    await stop(gateway);
  });

  test("flags go before the environment, that before the config", async () => {
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    const probe = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const free = String(probe.port);
    await probe.stop(true);
    const env = { SLUICE_PORT: "1", SLUICE_HOST: "127.0.0.2" };
    const gateway = await startSluice([`--port=${free}`], { cwd, env });
    expect(gateway.output.stderr).toContain(`listening on http://127.0.0.2:${free} `);
    expect(await (await fetch(`http://127.0.0.2:${free}/hello`)).text()).toBe("hello");
    await stop(gateway);
    const other = await startSluice(["--host", "127.0.0.3", "--port", "0"], { cwd, env });
    expect(other.output.stderr).toContain("listening on http://127.0.0.3:");
    await stop(other);
  });

  test("a config elsewhere loads with its own relative imports", async () => {
    const folder = folderWith({
      "etc/gateway.config.ts": RIGHT_CONFIG.replace('"hello" }', "text }").replace(
        /^/,
        'import { text } from "./text.ts";\n',
      ),
      "etc/text.ts": 'export const text: string = "from afar";\n',
    });
    const gateway = await startSluice([`${folder}/etc/gateway.config.ts`], { cwd: folderWith({}) });
    expect(await (await fetch(`http://127.0.0.1:${gateway.port}/hello`)).text()).toBe("from afar");
    await stop(gateway);
  });
});

describe("what keeps it from listening is one message", () => {
  test("a port in use: names address and port and how to find who holds it; exit 71", async () => {
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    const { code, stderr } = await sluice(["run", `--port=${holder.port}`], { cwd });
    holder.stop(true);
    expect(stderr).toContain(`Cannot listen on 127.0.0.1:${holder.port}: another process listens there.`);
    expect(stderr).toContain(`ss -ltnp 'sport = :${holder.port}'`);
    expect(code).toBe(71);
  });

  test("an address that this machine does not have; exit 71", async () => {
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    const { code, stderr } = await sluice(["run", "--host=203.0.113.9", "--port=0"], { cwd });
    expect(stderr).toContain("Cannot listen on 203.0.113.9:0: this machine has no such address.");
    expect(code).toBe(71);
  });

  const drop = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"];
  const canDrop = process.getuid?.() !== 0 || Bun.which("setpriv") !== null;
  test.skipIf(!canDrop)("a port below 1024 without the privilege; exit 77", async () => {
    const cwd = folderWith({ "gateway.config.ts": RIGHT_CONFIG });
    const through = process.getuid?.() === 0 ? drop : [];
    const { code, stderr } = await sluice(["run", "--port=81"], { cwd, through });
    expect(stderr).toContain("Cannot listen on 127.0.0.1:81: not permitted.");
    expect(stderr).toContain("CAP_NET_BIND_SERVICE");
    expect(code).toBe(77);
  });
});

describe("signals", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s lets the exchange under way finish, accepts no more, exit 0",
    async (name) => {
      const origin = holdingOrigin();
      const gateway = await startSluice([], { cwd: folderWith({ "gateway.config.ts": configFor(origin.url) }) });
      const url = `http://127.0.0.1:${gateway.port}`;
      const answer = fetch(`${url}/held`);
      await until(() => origin.held() === 1, "the exchange to reach the origin");
      gateway.signal(name);
      await until(() => gateway.output.stderr.includes(`sluice: ${name}: accepts no more`), "the drain to begin");
      const later = await fetch(`${url}/hello`).catch((error: unknown) => error);
      expect(later).toBeInstanceOf(Error);
      origin.letGo();
      expect(await (await answer).text()).toBe("at last");
      expect(await gateway.ended()).toBe(0);
      expect(gateway.output.stderr).toEndWith("sluice: stopped\n");
      expect(gateway.output.stdout.trimEnd().split("\n")).toHaveLength(1);
    },
  );

  const forced = [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const;
  test.each(forced)("a second %s ends at once with %d, the log written", async (name, code) => {
    const origin = holdingOrigin();
    const gateway = await startSluice([], { cwd: folderWith({ "gateway.config.ts": configFor(origin.url) }) });
    const url = `http://127.0.0.1:${gateway.port}`;
    await (await fetch(`${url}/hello`)).text();
    const cut = fetch(`${url}/held`).catch((error: unknown) => error);
    await until(() => origin.held() === 1, "the exchange to reach the origin");
    gateway.signal(name);
    await until(() => gateway.output.stderr.includes(`${name}: accepts no more`), "the drain to begin");
    gateway.signal(name);
    expect(await gateway.ended()).toBe(code);
    expect(await cut).toBeInstanceOf(Error);
    expect(gateway.output.stdout).toContain('"url.path":"/hello"');
    expect(gateway.output.stdout).toContain('"url.path":"/held"');
  });

  test("SIGQUIT ends at once", async () => {
    const origin = holdingOrigin();
    const gateway = await startSluice([], { cwd: folderWith({ "gateway.config.ts": configFor(origin.url) }) });
    const cut = fetch(`http://127.0.0.1:${gateway.port}/held`).catch((error: unknown) => error);
    await until(() => origin.held() === 1, "the exchange to reach the origin");
    gateway.signal("SIGQUIT");
    expect(await gateway.ended()).toBe(131);
    expect(await cut).toBeInstanceOf(Error);
    expect(gateway.output.stdout).toContain('"url.path":"/held"');
  });

  test("what outlives the grace is cut off, told and recorded; exit 0", async () => {
    const origin = holdingOrigin();
    const cwd = folderWith({ "gateway.config.ts": configFor(origin.url, 'shutdown: { grace: "200ms" },') });
    const gateway = await startSluice([], { cwd });
    const cut = fetch(`http://127.0.0.1:${gateway.port}/held`).catch((error: unknown) => error);
    await until(() => origin.held() === 1, "the exchange to reach the origin");
    gateway.signal("SIGTERM");
    expect(await gateway.ended()).toBe(0);
    expect(await cut).toBeInstanceOf(Error);
    expect(gateway.output.stderr).toContain("cut off what was still under way: 1");
    expect(gateway.output.stdout).toContain('"url.path":"/held"');
  });

  test("no line of the log is lost when SIGTERM comes right behind the last answer", async () => {
    const gateway = await startSluice([], { cwd: folderWith({ "gateway.config.ts": RIGHT_CONFIG }) });
    const count = 300;
    for (let i = 0; i < count; i += 50) {
      const some = Array.from({ length: 50 }, () => fetch(`http://127.0.0.1:${gateway.port}/hello`));
      await Promise.all(some.map(async (answer) => (await answer).text()));
    }
    await stop(gateway);
    const lines = gateway.output.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(count);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ "http.response.status_code": 200 });
  });
});

test("the access log for people is coloured as --color says", async () => {
  const config = RIGHT_CONFIG.replace("routes:", 'log: { format: "pretty" },\n  routes:');
  const choices = [
    ["always", true],
    ["never", false],
  ] as const;
  for (const [choice, colored] of choices) {
    const cwd = folderWith({ "gateway.config.ts": config });
    const gateway = await startSluice([`--color=${choice}`], { cwd });
    await (await fetch(`http://127.0.0.1:${gateway.port}/hello`)).text();
    await stop(gateway);
    expect(gateway.output.stdout).toContain("200");
    expect(gateway.output.stdout.includes("\u001b[")).toBe(colored);
  }
});

test("errors that nobody caught are told with their place and counted; the gateway goes on", async () => {
  const cwd = folderWith({
    "gateway.config.ts": `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: {
    timer: {
      match: "/timer",
      handler: ({ c }) => {
        setTimeout(() => {
          throw new TypeError("from a timer");
        }, 1);
        return c.text("fine");
      },
    },
    promise: {
      match: "/promise",
      handler: ({ c }) => {
        void Promise.reject(new Error("left alone"));
        return c.text("fine");
      },
    },
    throws: {
      match: "/throws",
      handler: () => {
        throw new Error("the inside story");
      },
    },
  },
});
`,
  });
  const gateway = await startSluice([], { cwd });
  const url = `http://127.0.0.1:${gateway.port}`;
  expect(await (await fetch(`${url}/timer`)).text()).toBe("fine");
  await until(() => gateway.output.stderr.includes("from a timer"), "the error on stderr");
  expect(gateway.output.stderr).toContain(
    "sluice: error: an error that nobody caught (1 since the start): TypeError: from a timer at gateway.config.ts:9:21\n",
  );
  expect(await (await fetch(`${url}/promise`)).text()).toBe("fine");
  await until(() => gateway.output.stderr.includes("left alone"), "the error on stderr");
  expect(gateway.output.stderr).toContain(
    "a rejected promise that nobody handled (2 since the start): Error: left alone",
  );
  const refused = await fetch(`${url}/throws`);
  expect(refused.status).toBe(500);
  const body = await refused.text();
  expect(body).toContain('"proxy_internal_error"');
  expect(body).not.toContain("inside story");
  expect(body).not.toContain("gateway.config.ts");
  await stop(gateway);
});
