// `sluice simulate --log=access.jsonl --limit=100/1m`: whom a limit would have refused, by the times of an access log.
import { messageOf } from "../errors.ts";
import { parseDuration } from "../http/duration.ts";
import { holderOf } from "../http/ip.ts";
import { Limiter } from "../limit/limiter.ts";
import { LimitTable, tableMemory } from "../limit/table.ts";
import { MOST_LIMIT, type WindowRule, windowRule } from "../limit/window.ts";
import { EXIT, Refusal, usageError } from "./exit.ts";
import { linesOfFile, linesOfInput } from "./logs/read-lines.ts";
import { type LoggedExchange, readRecord } from "./logs/record.ts";
import { tableText } from "./table.ts";
import { shownPath, type Terminal } from "./terminal.ts";
import { defineVerb } from "./verb.ts";

/**
 * By what requests are counted, and the text that stands for whoever sent one. As limits do it, as far as a log has it.
 */
const CALLERS = {
  address: ({ client }: LoggedExchange) => client && (client.includes(":") ? holderOf(client) : client),
  consumer: (x: LoggedExchange) => x.consumer ?? CALLERS.address(x),
  route: ({ route }: LoggedExchange) => route,
} as const;

/** A value of the flag `--by`. */
export type SimulatedBy = keyof typeof CALLERS;

/** The longest window of a limit: 24 days. */
const LONGEST_MS = 24 * 86_400_000;

/** `sluice simulate`: says whom a limit would have refused, by an access log. */
export const simulate = defineVerb(
  {
    name: "simulate",
    summary: "says whom a limit would have refused, by an access log",
    notes: [
      "It counts as the gateway does, at the times of the log, every request that stands there. The log is one of the forms",
      "that sluice logs reads; --log=- is standard input. By consumer means the consumer, else the address. --json prints",
      "{ requests, refused, uncounted, callers: [{ caller, requests, refused, firstAt }] }.",
    ],
    examples: [
      ["sluice simulate --log=access.log --limit=100/1m --by=consumer", "who asks more often"],
      ["sluice simulate --log=access.log --limit=20/1s --route=orders", "of one route's requests, by address"],
    ],
    exits: [
      [0, "done, whatever it finds"],
      [66, "there is no such log, it cannot be read, or is none"],
    ],
  },
  {
    log: { type: "string", valueHint: "file", means: "file", description: "the access log" },
    limit: { type: "string", valueHint: "limit/window", description: "how many in which time: 100/1m" },
    by: { type: "enum", options: ["address", "consumer", "route"], description: "by what is counted; default address" },
    route: { type: "string", valueHint: "route", description: "only requests of these routes" },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ log, limit, by = "address", route, json }, { terminal }) => {
    if (log === undefined) throw usageError("Name an access log: --log=<file>.");
    const rule = readRule(limit);
    const routes = route?.split(",");
    const exchanges: LoggedExchange[] = [];
    let strange = 0;
    let known = 0;
    try {
      for await (const lines of log === "-" ? linesOfInput(process.stdin) : linesOfFile(log, false)) {
        for (const line of lines) {
          const x = readRecord(line);
          if (x === undefined) strange += 1;
          else known += 1;
          if (x !== undefined && (routes === undefined || routes.includes(x.route ?? ""))) exchanges.push(x);
        }
      }
    } catch (thrown) {
      throw new Refusal(EXIT.noInput, `${shownPath(log)} cannot be read: ${messageOf(thrown)}`);
    }
    if (known === 0 && strange > 0) {
      const hint = "It is one of the forms json, ecs or caddy; common and combined do not tell enough.";
      throw new Refusal(EXIT.noInput, `${shownPath(log)} has no line of an access log.`, { hint });
    }
    const found = simulated(exchanges, rule, by);
    if (json === true) terminal.out(JSON.stringify(found));
    else terminal.out(textOf(found, limit!, by, terminal));
    return EXIT.ok;
  },
);

/** What a limit would have done to a caller. */
export interface SimulatedCaller {
  readonly caller: string;
  requests: number;
  refused: number;
  /** When it would have been refused for the first time, RFC 3339. */
  firstAt: string | undefined;
}

/** What a limit would have done to the requests of a log. */
export interface Simulated {
  readonly requests: number;
  readonly refused: number;
  /** Requests of which the log does not tell whose they are. */
  readonly uncounted: number;
  /** Those that would have been refused, the one refused most often first. */
  readonly callers: readonly SimulatedCaller[];
}

/** Lets the limiter of the gateway count what is in a log, in the order in which it began. */
export function simulated(exchanges: readonly LoggedExchange[], rule: WindowRule, by: SimulatedBy): Simulated {
  // A line is written when its exchange has ended; limits count when it begins.
  const begins = exchanges.map((x) => ({ x, at: x.time - x.durationMs })).sort((a, b) => a.at - b.at);
  const first = begins[0]?.at ?? 0;
  // An entry for each caller, and many more: none makes place for another.
  const limiter = new Limiter(new LimitTable(tableMemory(Math.max(4096, exchanges.length * 4), 1), 1));
  const callers = new Map<string, SimulatedCaller>();
  let uncounted = 0;
  for (const { x, at } of begins) {
    const caller = CALLERS[by](x);
    if (caller === undefined) {
      uncounted += 1;
      continue;
    }
    const known = callers.get(caller) ?? { caller, requests: 0, refused: 0, firstAt: undefined };
    callers.set(caller, known);
    known.requests += 1;
    if (limiter.take(rule, { k0: 0, k1: 0 }, caller, 1, at - first)) continue;
    known.refused += 1;
    known.firstAt ??= new Date(at).toISOString();
  }
  const refused = [...callers.values()].filter((each) => each.refused > 0);
  return {
    requests: exchanges.length,
    refused: refused.reduce((sum, each) => sum + each.refused, 0),
    uncounted,
    callers: refused.sort((a, b) => b.refused - a.refused || (a.caller < b.caller ? -1 : 1)),
  };
}

/** `100/1m`. @throws Refusal (64) */
export function readRule(written: string | undefined): WindowRule {
  const [, limit, window = ""] = /^(\d+)\/(.+)$/.exec(written ?? "") ?? [];
  const windowMs = parseDuration(window);
  const isLimit = Number(limit) >= 1 && Number(limit) <= MOST_LIMIT;
  if (!isLimit || windowMs === undefined || windowMs < 1000 || windowMs > LONGEST_MS) {
    throw usageError(`--limit is a number and a window from 1s to 24d, such as 100/1m, not "${written ?? ""}".`);
  }
  return windowRule(Number(limit), windowMs);
}

function textOf(
  { requests, refused, uncounted, callers }: Simulated,
  limit: string,
  by: SimulatedBy,
  { width, outColors }: Terminal,
): string {
  const unknown = uncounted === 0 ? "" : `; of ${uncounted} the log does not tell whose they are`;
  const summary = `${limit} by ${by} would have refused ${refused} of ${requests} requests${unknown}`;
  if (callers.length === 0) return summary;
  const heads = [by.toUpperCase(), "REFUSED", "OF", "FIRST AT"];
  const rows = callers.map((each) => [each.caller, String(each.refused), String(each.requests), each.firstAt ?? ""]);
  return `${summary}\n\n${tableText({ heads, rows }, width, outColors)}`;
}
