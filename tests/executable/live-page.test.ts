// The live page in a real browser: it shows what was driven, to everybody, and loads and runs nothing but its own.
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Tick } from "../../src/admin/live/tick.ts";
import { closedPort } from "../support/closed-port.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const TOKEN = "a-token-of-more-than-16";
const KEY = "acme-key-of-this-test";
const HASH = new Bun.CryptoHasher("sha256").update(KEY).digest("hex");

/** What is open, to be closed in this order. */
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Stage {
  readonly gateway: Gateway;
  readonly origin: RawOrigin;
  readonly page: Page;
  /** What the console said, and what the page did not catch. */
  readonly said: string[];
  /** Addresses that the browser has asked for. */
  readonly asked: string[];
}

async function stage(
  options: {
    readonly workers?: number;
    readonly admin?: string;
    readonly upstream?: string;
    readonly browser?: BrowserContextOptions;
  } = {},
): Promise<Stage> {
  const origin = await startOrigin({ behaviour: (x) => x.send(plain("hello")) });
  open.push(() => origin.stop());
  const { workers = 1, admin = "", browser: context = {} } = options;
  const { upstream = `targets: [${JSON.stringify(origin.url)}], breaker: {}` } = options;
  const gateway = await startGateway(
    `import { apiKey, defineGateway, env } from "sluice";
export default defineGateway({
  name: "gate",
  listen: { host: "127.0.0.1", port: 0 },
  admin: { port: 0${admin} },
  workers: ${workers},
  upstreams: { up: { ${upstream} } },
  consumers: { acme: { keys: ["sha256:${HASH}"] } },
  auth: { key: apiKey() },
  limits: { ten: { limit: 10, window: "1h", by: "consumer" } },
  routes: {
    up: { match: "/up/*", to: "up", auth: "none" },
    aRouteThatHasRatherALongNameForTheSelect: { match: "/long/*", auth: "none", answer: { body: "long" } },
    keyed: { match: "/keyed", auth: "key", limits: "ten", answer: { body: "ok" } },
  },
});
`,
    { env: { ADMIN_TOKEN: TOKEN } },
  );
  open.push(async () => gateway.alive && gateway.signal("SIGKILL"));
  const browser: Browser = await chromium.launch({
    executablePath: pathOfTool("chromium"),
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  open.push(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...context });
  const said: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("request", (request) => asked.push(request.url()));
  return { gateway, origin, page, said, asked };
}

async function show({ page, gateway }: Stage): Promise<void> {
  await page.goto(`http://127.0.0.1:${gateway.adminPort}/`);
  await page.getByRole("status").getByText("live", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
}

async function ask({ gateway }: Stage, times: number, path: string, ...fields: string[]): Promise<void> {
  for (let each = 0; each < times; each++) await exchange(gateway.port, get(path, ...fields, "Connection: close"));
}

/** Waits beside the page, as it does, until ticks have told of so many exchanges, and for one more. */
async function ticksWith({ adminPort }: Gateway, wanted: number): Promise<void> {
  const { body } = await fetch(`http://127.0.0.1:${adminPort}/live/events`);
  let text = "";
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const ticks = [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, json]) => JSON.parse(json!) as Tick);
    const told = ticks.slice(0, -1).reduce((sum, { exchanges }) => sum + exchanges.length, 0);
    if (told >= wanted) return;
  }
}

/** What axe has to say of the page as it is: rules of WCAG 2.2 A and AA, and its own good practice. */
async function faultsByAxe(page: Page): Promise<string[]> {
  // By the debugger's way, which the page's policy does not bind.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ; ")}`);
}

/** The texts of a row's cells, by the name that it begins with. */
async function rowOf(page: Page, table: RegExp, name: string): Promise<string[]> {
  const row = page
    .getByRole("table", { name: table })
    .getByRole("row")
    .filter({
      has: page.getByRole("rowheader", { name, exact: true }),
    });
  return (await row.count()) === 0 ? [] : row.first().locator("th, td").allTextContents();
}

const lack = missing("chromium");
const inBrowser = lack === undefined ? describe : describe.skip;
inBrowser(`in Chromium${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  test.each([1, 2])(
    "numbers are those that were driven, with %d workers",
    async (workers) => {
      const all = await stage({ workers });
      const { page, origin, said } = all;
      await ask(all, 5, "/up/before");
      await show(all);
      await ask(all, 15, "/up/1?secret=my-query");
      await ask(all, 12, "/keyed", `X-API-Key: ${KEY}`);
      await ask(all, 3, "/keyed");
      await ask(all, 2, "/nowhere");
      const routes = /^Rates, shares/;
      await until(async () => (await rowOf(page, routes, "(no route)"))[1] === "2", "the last of them");
      expect((await rowOf(page, routes, "up"))[1]).toBe("20");
      expect((await rowOf(page, routes, "keyed"))[1]).toBe("15");
      const failures = /^Answers of 4xx/;
      expect((await rowOf(page, failures, "rate_limit_exceeded")).slice(1)).toEqual(["429", "keyed", "2", "2"]);
      expect((await rowOf(page, failures, "authentication_required")).slice(1)).toEqual(["401", "keyed", "3", "3"]);
      expect((await rowOf(page, failures, "route_not_found")).slice(1)).toEqual(["404", "(no route)", "2", "2"]);
      const target = await rowOf(page, /^Targets/, origin.url);
      expect(target.slice(0, 4)).toEqual([origin.url, "up", "up", "20"]);
      expect(await rowOf(page, /^Upstreams/, "up")).toEqual(["up", "closed", "0", "0"]);
      expect(await rowOf(page, /^What limits/, "ten")).toEqual(["ten", "limit", "10", "2", "0"]);
      expect((await rowOf(page, /^Callers/, "acme")).slice(0, 4)).toEqual(["acme", "ten", "10", "10"]);
      expect(await page.locator("#tiles div").filter({ hasText: "Requests in all" }).locator("dd").textContent()).toBe(
        "37",
      );
      expect(await page.locator("#tiles div").filter({ hasText: "Workers" }).locator("dd").textContent()).toBe(
        String(workers),
      );
      const exchanges = page.getByRole("table", { name: /^The newest first/ });
      await until(async () => (await exchanges.getByRole("rowheader").count()) === 32, "each that was driven");
      const text = await page.content();
      for (const secret of ["my-query", KEY, HASH]) expect(text).not.toContain(secret);
      expect(said).toEqual([]);
    },
    60_000,
  );

  test("retries and ejections of an upstream are told", async () => {
    const dead = `http://127.0.0.1:${closedPort()}`;
    const all = await stage({
      upstream: `targets: ["${dead}", "http://127.0.0.1:9"], ejection: { failures: 1 }, retries: { attempts: 3 }`,
    });
    const { page, said } = all;
    await show(all);
    await ask(all, 1, "/up/1");
    await until(async () => (await rowOf(page, /^Upstreams/, "up"))[3] !== "0", "the ejection");
    expect(await rowOf(page, /^Upstreams/, "up")).toEqual(["up", "–", "2", "1"]);
    expect(said).toEqual([]);
  }, 60_000);

  test("exchanges are shown by route, status and consumer", async () => {
    const all = await stage();
    const { page, said } = all;
    await show(all);
    await ask(all, 4, "/up/1");
    await ask(all, 3, "/keyed", `X-API-Key: ${KEY}`);
    await ask(all, 2, "/keyed");
    const rows = page.getByRole("table", { name: /^The newest first/ }).getByRole("rowheader");
    const shown = async (count: number): Promise<void> => {
      await until(async () => (await rows.count()) === count, `${count} rows`);
    };
    await shown(9);
    await page.getByRole("combobox", { name: "Route" }).selectOption("up");
    await shown(4);
    await page.getByRole("combobox", { name: "Route" }).selectOption("keyed");
    await page.getByRole("combobox", { name: "Status" }).selectOption("2xx");
    await shown(3);
    await page.getByRole("combobox", { name: "Status" }).selectOption("failed in the gateway");
    await shown(2);
    await page.getByRole("combobox", { name: "Status" }).selectOption("all");
    await page.getByRole("combobox", { name: "Consumer" }).selectOption("acme");
    await shown(3);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("status").getByText("paused").waitFor();
    expect(said).toEqual([]);
  }, 60_000);

  test("a pause holds the page still; what has come meanwhile is shown when it is over", async () => {
    const all = await stage();
    const { page, gateway, said } = all;
    await show(all);
    await ask(all, 2, "/up/1");
    const rows = page.getByRole("table", { name: /^The newest first/ }).getByRole("rowheader");
    await until(async () => (await rows.count()) === 2, "the first rows");
    await page.getByRole("button", { name: "Pause" }).click();
    await ask(all, 3, "/up/2");
    await ticksWith(gateway, 3);
    await page.getByRole("combobox", { name: "Route" }).selectOption("up");
    expect(await rows.count()).toBe(2);
    expect((await rowOf(page, /^Rates, shares/, "up"))[1]).toBe("2");
    await page.getByRole("button", { name: "Pause" }).click();
    await until(async () => (await rows.count()) === 5, "all rows");
    expect((await rowOf(page, /^Rates, shares/, "up"))[1]).toBe("5");
    expect(said).toEqual([]);
  }, 60_000);

  test("columns of the exchanges keep their places, and a long path is whole where it is opened", async () => {
    const all = await stage();
    const { page, said } = all;
    await show(all);
    await ask(all, 1, "/up/1");
    const table = page.getByRole("table", { name: /^The newest first/ });
    await table.getByRole("button", { name: "GET /up/1", exact: true }).waitFor();
    const places = (): Promise<number[]> =>
      table.getByRole("columnheader").evaluateAll((heads) => heads.map((head) => head.getBoundingClientRect().left));
    const before = await places();
    const path = `/up/${"a-long-segment/".repeat(12)}end`;
    await ask(all, 1, path);
    const button = table.getByRole("button", { name: `GET ${path}` });
    await button.waitFor();
    expect(await places()).toEqual(before);
    const heights = await table
      .locator("tbody tr:not(.more)")
      .evaluateAll((rows) => rows.map((row) => row.clientHeight));
    expect(new Set(heights).size).toBe(1);
    await button.click();
    const told = table.getByRole("definition").filter({ hasText: path });
    await told.waitFor();
    expect(await told.evaluate((it) => it.scrollWidth - it.clientWidth)).toBeLessThanOrEqual(0);
    expect(said).toEqual([]);
  }, 60_000);

  test("while nobody points at a moment the charts tell the last one", async () => {
    const all = await stage();
    const { page, said } = all;
    await show(all);
    await ask(all, 3, "/up/1");
    const p99 = page.locator(".u-series").filter({ hasText: "p99" }).locator(".u-value");
    await until(async () => /^[\d.]+ m?s$/.test((await p99.textContent()) ?? ""), "a latency");
    expect(said).toEqual([]);
  }, 60_000);

  test("the token is asked for, kept for the tab, and in no address", async () => {
    const all = await stage({ admin: `, token: env("ADMIN_TOKEN")` });
    const { page, gateway, said, asked } = all;
    await page.goto(`http://127.0.0.1:${gateway.adminPort}/`);
    const token = page.getByLabel("Token");
    await token.waitFor();
    expect(await faultsByAxe(page)).toEqual([]);
    expect(said).toEqual([]);
    expect(await page.locator("#content").isVisible()).toBe(false);
    await token.fill("not-the-token-of-it");
    await token.press("Enter");
    await page.getByRole("alert").getByText("This is not the token.").waitFor();
    await token.fill(TOKEN);
    await token.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(asked.join(" ")).not.toContain(TOKEN);
    expect(await page.content()).not.toContain(TOKEN);
    // The browser itself tells of the refusal.
    expect(said.filter((each) => !each.includes("401"))).toEqual([]);
  }, 60_000);

  test("nothing is loaded from elsewhere, and no other script runs", async () => {
    const all = await stage();
    const { page, gateway, said, asked } = all;
    await show(all);
    const own = `http://127.0.0.1:${gateway.adminPort}/`;
    expect(asked.filter((url) => !url.startsWith(own))).toEqual([]);
    expect(said).toEqual([]);
    const broken = await page.evaluate(async () => {
      const violations: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
      const script = document.createElement("script");
      try {
        script.textContent = "window.ran = true";
      } catch {
        violations.push("trusted types");
      }
      document.body.append(script);
      const image = document.createElement("img");
      image.src = "http://127.0.0.2:1/x.png";
      document.body.append(image);
      await fetch("http://127.0.0.2:1/").catch(() => undefined);
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));
      return { violations, ran: "ran" in window };
    });
    expect(broken.ran).toBe(false);
    expect(broken.violations).toContain("trusted types");
    expect(broken.violations).toContain("img-src");
    expect(broken.violations).toContain("connect-src");
  }, 60_000);

  test("the keyboard reaches everything", async () => {
    const all = await stage();
    const { page } = all;
    await show(all);
    await ask(all, 1, "/up/1");
    const button = page.getByRole("button", { name: "GET /up/1" });
    await button.waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("To the content");
    const reached = new Set<string>();
    for (let at = 0; at < 60; at++) {
      reached.add(
        await page.evaluate(() => {
          const { activeElement: at } = document;
          return at === null ? "" : `${at.tagName} ${at.id || at.textContent?.slice(0, 20)}`;
        }),
      );
      await page.keyboard.press("Tab");
    }
    for (const name of [
      "BUTTON pause",
      "A Routes",
      "SELECT filter-route",
      "SELECT filter-status",
      "BUTTON GET /up/1",
    ]) {
      expect([...reached]).toContain(name);
    }
    await button.focus();
    await page.keyboard.press("Enter");
    expect(await button.getAttribute("aria-expanded")).toBe("true");
    await page.getByText("request id").waitFor();
    // What is opened and what has the focus stays, though every second brings more.
    await ask(all, 3, "/up/2");
    await page.getByRole("button", { name: "GET /up/2" }).first().waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("GET /up/1");
    expect(await page.getByText("request id").isVisible()).toBe(true);
  }, 60_000);

  test("screen readers are told of landmarks, tables and charts, and of no number that changes", async () => {
    const all = await stage();
    const { page } = all;
    await show(all);
    await ask(all, 1, "/up/1");
    await page.getByRole("button", { name: "GET /up/1" }).waitFor();
    for (const role of ["banner", "main", "navigation"] as const) expect(await page.getByRole(role).count()).toBe(1);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("gate");
    expect(await page.getByRole("main").locator("table:not(.u-legend)").count()).toBe(8);
    for (const table of await page.locator("table:not(.u-legend)").all()) {
      expect(await table.locator("caption").textContent()).toMatch(/\w/);
      expect(await table.locator("thead th:not([scope=col])").count()).toBe(0);
    }
    expect(await page.getByRole("img", { name: /^Latency, the last five minutes\. Now: p50/ }).count()).toBe(1);
    expect(await page.getByRole("img", { name: /connect .*first byte .*body/ }).count()).toBe(1);
    const live = await page
      .locator("[aria-live], [role=status], [role=alert], [role=log]")
      .evaluateAll((all) => all.map(({ id }) => id));
    expect(live).toEqual(["state", "refusal"]);
  }, 60_000);

  test.each([
    ["light", 1280],
    ["dark", 1280],
    ["light", 360],
    ["dark", 360],
  ] as const)(
    "it is readable in %s, %d pixels wide",
    async (colorScheme, width) => {
      const all = await stage({ browser: { colorScheme, viewport: { width, height: 800 } } });
      const { page, said } = all;
      await show(all);
      await ask(all, 12, "/keyed", `X-API-Key: ${KEY}`);
      await ask(all, 1, "/long/1");
      await ask(all, 2, "/nowhere/a-path-that-is-rather-long/".repeat(4));
      await until(async () => (await rowOf(page, /^Rates, shares/, "(no route)"))[1] === "2", "the last of them");
      const poor = await page.evaluate(() => {
        const light = (color: string): number => {
          const parts = color
            .match(/[\d.]+/g)!
            .slice(0, 3)
            .map((part) => Number(part) / 255);
          const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
        };
        const groundOf = (element: Element): string => {
          for (let at: Element | null = element; at !== null; at = at.parentElement) {
            const { backgroundColor } = getComputedStyle(at);
            if (!backgroundColor.endsWith(", 0)")) return backgroundColor;
          }
          return "rgb(255, 255, 255)";
        };
        return [...document.querySelectorAll("body *")].flatMap((element) => {
          const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent!.trim() !== "");
          if (!isText || element.getClientRects().length === 0) return [];
          const [one, other] = [light(getComputedStyle(element).color), light(groundOf(element))];
          const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
          // WCAG 2.2, 1.4.3.
          return contrast < 4.5 ? [`${element.tagName} ${element.textContent!.slice(0, 30)}: ${contrast}`] : [];
        });
      });
      expect(poor).toEqual([]);
      await page.getByRole("button", { name: "GET /keyed" }).first().click();
      expect(await faultsByAxe(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      const beyond = await page
        .locator("section :is(select, label, caption, dl, ol)")
        .evaluateAll((all) => all.filter((each) => each.getBoundingClientRect().right > innerWidth).map(String));
      expect(beyond).toEqual([]);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(ground).toBe(colorScheme === "dark" ? "rgb(16, 21, 26)" : "rgb(246, 247, 249)");
      expect(said).toEqual([]);
    },
    60_000,
  );

  test("loads of the config are told, and the one that runs without its secrets", async () => {
    const all = await stage({ workers: 2, admin: `, token: env("ADMIN_TOKEN")` });
    const { page, gateway } = all;
    await page.goto(`http://127.0.0.1:${gateway.adminPort}/`);
    await page.getByLabel("Token").fill(TOKEN);
    await page.getByLabel("Token").press("Enter");
    const loads = page.getByRole("table", { name: /^The last loads/ });
    await loads.getByText("started").waitFor();
    writeFileSync(join(gateway.folder, "gateway.config.ts"), "export default 7;");
    gateway.signal("SIGHUP");
    await loads.getByText("was not reloaded").waitFor();
    await page.getByText("The config that runs").click();
    const plan = (await page.locator("#plan").textContent())!;
    expect(JSON.parse(plan)).toMatchObject({ name: "gate", workers: 2, admin: { token: "[redacted]" } });
    for (const secret of [TOKEN, HASH]) expect(plan).not.toContain(secret);
  }, 60_000);

  test("a gateway that goes away and comes back is told so", async () => {
    const all = await stage();
    const { page, gateway } = all;
    await show(all);
    gateway.signal("SIGKILL");
    await page.getByRole("status").getByText("no answer").waitFor();
  }, 60_000);
});
