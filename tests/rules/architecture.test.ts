// ARCHITECTURE.md and docs/tree.md against the code: the folders and files are those that are there, the defaults those that hold.
import { expect, test } from "bun:test";
import { folders, treePage } from "../../scripts/tree.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { readPage } from "./markdown.ts";

const page = readPage("ARCHITECTURE.md");

test("docs/tree.md is the tree of src (npm run tree)", () => {
  expect(readPage("docs/tree.md")).toBe(treePage());
});

test("ARCHITECTURE.md has a line for each folder of src, in order", () => {
  const told = [...page.matchAll(/^\| `(src\/(?:[\w-]+\/)*)`/gm)].map(([, folder]) => folder!);
  expect(told).toEqual([...folders().keys()]);
});

test("the clocks in ARCHITECTURE.md have the defaults that the plan has", () => {
  const { plan } = resolvePlan(
    {
      upstreams: { app: { targets: ["http://127.0.0.1:1"], health: { tcp: true } } },
      routes: { app: { match: "/*", to: "app" } },
    },
    { env: () => undefined, file: () => undefined },
  );
  const { listen, shutdown } = plan!;
  const upstream = plan!.upstreams["app"]!;
  const defaults = {
    "listen.timeouts.keepAlive": listen.keepAliveMs,
    "listen.timeouts.head": listen.headMs,
    "listen.timeouts.body": listen.bodyMs,
    "listen.timeouts.send": listen.sendMs,
    "timeouts.connect": upstream.timeouts.connectMs,
    "connections.wait": upstream.waitMs,
    "timeouts.firstByte": upstream.timeouts.firstByteMs,
    "timeouts.send": upstream.timeouts.sendMs,
    "timeouts.idle": upstream.timeouts.idleMs,
    "health.timeout": upstream.health!.timeoutMs,
    "keepAlive.idle": upstream.idleMs,
    "keepAlive.maxAge": upstream.maxAgeMs,
    "shutdown.drainDelay": shutdown.delayMs,
    "shutdown.grace": shutdown.graceMs,
  };
  const told: Record<string, number> = {};
  for (const [, name, count, unit] of page.matchAll(/^\| `([\w.]+)`\s+\| ([\d.]+) (s|min)\s+\|/gm)) {
    told[name!] = Number(count) * (unit === "min" ? 60_000 : 1000);
  }
  expect(told).toEqual(defaults);
});
