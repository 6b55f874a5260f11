// `sluice top [file]`: what a running gateway does, second by second, in a terminal.
import { isatty } from "node:tty";
import { History } from "../admin/live/history.ts";
import { type AdminPlace, adminPlaceIn, placeAt, placeOn } from "./admin-place.ts";
import { EXIT, usageError } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import type { Terminal } from "./terminal.ts";
import { Screen } from "./top/screen.ts";
import { type Summary, summaryOf } from "./top/summary.ts";
import { ticksOf } from "./top/ticks.ts";
import { type Order, ORDERS, viewText } from "./top/view.ts";
import { defineVerb, type VerbContext } from "./verb.ts";

/** Holds the token where no config does. */
const TOKEN_VARIABLE = "SLUICE_ADMIN_TOKEN";

/** `sluice top`: shows what the running gateway does: requests, latencies, errors, targets, limits. */
export const top = defineVerb(
  {
    name: "top",
    summary: "shows what the running gateway does: requests, latencies, errors, targets, limits, last exchanges",
    notes: [
      "Asks the admin listener of the config: that named, or as `sluice reload` finds it. With --admin there need be no",
      `config; its token is in ${TOKEN_VARIABLE} then. Rates and latencies are of the last ten seconds.`,
      "In a terminal: q ends, r, p, e and t sort routes by requests, p99, errors and total. Elsewhere it prints once.",
      "--json prints { at, name, seconds, process, cpu, obstacles, requests, routes, failures, upstreams, decisions, uses,",
      "exchanges, lastLoad }.",
    ],
    examples: [
      ["sluice top", "of the gateway that runs the config of this folder"],
      ["sluice top --admin=http://10.0.0.7:9901", "of one elsewhere"],
      ["sluice top --admin=unix:/run/sluice/admin.sock", "of one on a socket"],
      ["sluice top --json | jq '.upstreams[].targets[] | select(.state != \"up\")'", "for a program"],
    ],
    exits: [66, 69, [78, "the config is wrong, or has no admin listener"]],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config" },
    admin: { type: "string", valueHint: "url", variable: "SLUICE_ADMIN", description: "the admin listener" },
    once: { type: "boolean", description: "print once: what happens within a second" },
    json: { type: "boolean", description: "for machines: once, one JSON object on stdout" },
  },
  async ({ file, admin: named, once, json }, context) => {
    const { terminal } = context;
    if (file !== undefined && named !== undefined) throw usageError("Name the config or --admin, not both.");
    const admin = await placeOf(file, named ?? process.env["SLUICE_ADMIN"], context);
    if (typeof admin === "number") return admin;
    const isScreen = isatty(0) && isatty(1) && process.env["TERM"] !== "dumb";
    if (isScreen && once !== true && json !== true) return watch(admin, terminal);
    const summary = await first(admin);
    terminal.out(
      json === true ? JSON.stringify(summary) : viewText(summary, "r", { width: terminal.width }, terminal.outColors),
    );
    return EXIT.ok;
  },
);

/** Where to ask; an exit code when the config does not say so. */
async function placeOf(
  file: string | undefined,
  named: string | undefined,
  { terminal, embedded }: VerbContext,
): Promise<AdminPlace | number> {
  if (named !== undefined && named !== "" && file === undefined) {
    const token = process.env[TOKEN_VARIABLE] || undefined;
    const socket = /^unix:(\/.+)$/.exec(named)?.[1];
    if (socket !== undefined) return placeOn(socket, token);
    const url = URL.canParse(named) ? new URL(named) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      throw usageError(
        `--admin is a URL, not "${named}".`,
        "As sluice run tells it: --admin=http://127.0.0.1:9901, --admin=unix:/run/sluice/admin.sock",
      );
    }
    return placeAt(url.origin, token);
  }
  const found = findConfig(file);
  const planned = await planConfig(found, embedded);
  if ("findings" in planned) return reportFindings(planned.findings, terminal);
  return adminPlaceIn(planned.plan, found);
}

async function first(admin: AdminPlace): Promise<Summary> {
  const history = new History();
  for await (const tick of ticksOf(admin, new AbortController().signal)) {
    history.add(tick);
    const summary = summaryOf(history);
    if (summary !== undefined) return summary;
  }
  throw new Error("the ticks have ended without saying why");
}

/** Shows it until somebody wants an end. */
async function watch(admin: AdminPlace, { outColors }: Terminal): Promise<number> {
  const end = new AbortController();
  let order: Order = "r";
  const history = new History();
  const show = (): void => {
    const keys = Object.entries(ORDERS).map(([key, { name }]) =>
      key === order ? `[${key}] ${name}` : `${key} ${name}`,
    );
    const foot = outColors.dim(`q end   ${keys.join("   ")}   ${admin.name}`);
    const summary = summaryOf(history);
    const size = { width: screen.width, height: screen.height - 1 };
    const text = summary === undefined ? "…" : viewText(summary, order, size, outColors);
    screen.show(`${foot}\n${text}`);
  };
  const screen = new Screen({
    key(text) {
      if (text === "q" || text === "\x03" || text === "\x04") end.abort();
      else if (Object.hasOwn(ORDERS, text)) order = text as Order;
      show();
    },
    resized: show,
    end: () => end.abort(),
  });
  try {
    show();
    for await (const tick of ticksOf(admin, end.signal)) {
      history.add(tick);
      show();
    }
  } catch (thrown) {
    if (!end.signal.aborted) throw thrown;
  } finally {
    screen.close();
  }
  return EXIT.ok;
}
