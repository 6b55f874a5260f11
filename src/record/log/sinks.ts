// Where lines go: each place of the plan, opened, and a function of the user's own called.
import type { Keep } from "../../carried.ts";
import type { LineFormat, LogFormat, LogFunction, LogRecord } from "../../config/log/options.ts";
import type { LogPlan, LogSinkPlan } from "../../config/log/plan.ts";
import type { TlsPlan } from "../../config/plan.ts";
import { namedMessageOf } from "../../errors.ts";
import type { Ending, Exchange } from "../../exchange.ts";
import { clientTls } from "../../http/client-tls.ts";
import type { LinesOut, LinesTo, Platform } from "../../platform.ts";
import { errorOf, isError, statusOf } from "../outcome.ts";
import { syslogHead } from "./syslog.ts";

/** Takes lines of one form. */
export interface Sink {
  readonly format: Exclude<LogFormat, "auto">;
  /** How it is called in metrics: no other one of the plan is called so. */
  readonly name: string;
  take(line: string, x: Exchange, ending: Ending): void;
  /** How many lines were lost; undefined where that is counted elsewhere, or not known. */
  readonly lost: (() => number) | undefined;
  /** What counts that: the same over reloads for as long as the place is. */
  readonly source: unknown;
}

/** Opens the places of a plan. Those of the plan before it stay open where nothing has changed. */
export function openSinks({ to }: LogPlan, platform: Platform, keep: Keep): readonly Sink[] {
  const { linesTo } = platform;
  if (linesTo === undefined && to.some(({ kind }) => kind === "file" || kind === "syslog")) {
    platform.notice("warn", "log.to: there are neither files nor sockets here: the access log goes to the console");
  }
  const opened = (to: LinesTo, tls?: TlsPlan): LinesOut | undefined =>
    linesTo &&
    keep(
      `log.${to.name}`,
      [to, tls],
      () => linesTo(to.kind === "tcp" && tls !== undefined ? { ...to, tls: clientTls(tls, to.host) } : to),
      (out) => out.close(),
    );
  const functions = to.filter(({ kind }) => kind === "function");
  return to.map((plan) => sinkOf(plan, opened, functions.indexOf(plan), platform));
}

function sinkOf(
  plan: LogSinkPlan,
  opened: (to: LinesTo, tls?: TlsPlan) => LinesOut | undefined,
  /** Which of the functions it is, from 0. */
  place: number,
  platform: Platform,
): Sink {
  switch (plan.kind) {
    case "stdout": {
      const { format } = plan;
      return standard(format === "auto" ? (platform.terminal ? "pretty" : "json") : format, platform);
    }
    case "function":
      return new FunctionSink(plan.call, place === 0 ? "function" : `function ${place + 1}`, platform);
    case "file":
    case "syslog": {
      const out = opened(plan.to, plan.kind === "syslog" ? plan.tls : undefined);
      return out === undefined ? standard(plan.format, platform) : linesSink(plan, out, platform);
    }
  }
}

function standard(format: Sink["format"], platform: Platform): Sink {
  return { format, name: "stdout", take: (line) => platform.line(line), lost: undefined, source: undefined };
}

function linesSink(plan: Extract<LogSinkPlan, { kind: "file" | "syslog" }>, out: LinesOut, platform: Platform): Sink {
  const common: { format: LineFormat; name: string; lost: () => number; source: LinesOut } = {
    format: plan.format,
    name: plan.to.name,
    lost: () => out.lost,
    source: out,
  };
  if (plan.kind === "file") return { ...common, take: (line) => out.write(line) };
  const head = syslogHead(plan, platform);
  return {
    ...common,
    take(line, x, ending) {
      out.write(head(isError(statusOf(x, ending), errorOf(x, ending))) + line);
    },
  };
}

/** Promises of a function that may be open. */
const MOST_OPEN = 1024;

/** A function of the user's own. Whatever it does, the gateway goes on. */
class FunctionSink implements Sink {
  readonly format = "json";
  readonly name: string;
  readonly source = this;
  readonly #call: LogFunction;
  readonly #platform: Platform;
  #lost = 0;
  #open = 0;
  #isTold = false;

  constructor(call: LogFunction, name: string, platform: Platform) {
    this.name = name;
    this.#call = call;
    this.#platform = platform;
  }

  take(line: string, x: Exchange): void {
    if (this.#open >= MOST_OPEN) return this.#lose("it has not settled 1024 promises");
    let result: unknown;
    try {
      result = this.#call(JSON.parse(line) as LogRecord);
    } catch (thrown) {
      return this.#lose(reasonOf(thrown));
    }
    if (result instanceof Promise) x.outlive(this.#settled(result));
  }

  readonly lost = (): number => this.#lost;

  async #settled(promise: Promise<unknown>): Promise<void> {
    this.#open++;
    try {
      await promise;
    } catch (thrown) {
      this.#lose(reasonOf(thrown));
    } finally {
      this.#open--;
    }
  }

  #lose(reason: string): void {
    this.#lost++;
    if (this.#isTold) return;
    this.#isTold = true;
    const called = this.name === "function" ? "the function" : this.name;
    this.#platform.notice("error", `log.to: ${called} has failed (${reason}); that is told once, and counted`);
  }
}

function reasonOf(thrown: unknown): string {
  try {
    return namedMessageOf(thrown);
  } catch {
    return "something that cannot be told";
  }
}
