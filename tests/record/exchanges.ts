// Exchanges and plans for the tests of the record.
import { Answer } from "../../src/answer.ts";
import type { LogFormat } from "../../src/config/log/options.ts";
import { idsOf } from "../../src/http/ids.ts";
import type { LogPlan } from "../../src/config/log/plan.ts";
import { type RoutePlan, WITHOUT_POLICIES } from "../../src/config/plan.ts";
import type { UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { Exchange } from "../../src/exchange.ts";
import type { Arrival, Ending } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import type { Platform } from "../../src/platform.ts";
import { accessLog, type Recorder } from "../../src/record/access-log.ts";
import { openSinks } from "../../src/record/log/sinks.ts";
import { Verbosity } from "../../src/verbosity.ts";

/** 2026-11-25T10:00:00.123Z */
export const TEN_O_CLOCK = Date.UTC(2026, 10, 25, 10, 0, 0, 123);

export const LOG: LogPlan = {
  to: [{ kind: "stdout", format: "json" }],
  members: { request: [], response: [], set: [], remove: [] },
  only: undefined,
  sample: [],
  redactQuery: ["pin"],
  redactFields: ["authorization", "x-own-key"],
};
export const WHOLE: Ending = { error: undefined, bytesIn: 0, bytesOut: 2 };

/** A platform whose clocks stand still and whose lines are kept. */
export function recordingPlatform(): Platform & { readonly lines: string[]; nowIs: number; wallIs: number } {
  const lines: string[] = [];
  return {
    runtime: "bun",
    terminal: false,
    lines,
    nowIs: 1000,
    wallIs: TEN_O_CLOCK,
    now() {
      return this.nowIs;
    },
    wallClock() {
      return this.wallIs;
    },
    setTimer: () => undefined,
    clearTimer: () => {},
    ids: idsOf(() => "0190a8f2-7c4e-4abc-8def-0123456789ab"),
    random: (count) => new Int32Array(count),
    sha256: (bytes) => new Uint8Array(Bun.SHA256.hash(bytes).buffer),
    passwordForms: ["argon2id", "bcrypt"],
    verifyPassword: (password, hash) => Bun.password.verify(password, hash),
    subtle: crypto.subtle,
    files: undefined,
    names: undefined,
    fetch: () => Promise.reject(new Error("no network in this test")),
    connect: undefined,
    listen: undefined,
    redis: undefined,
    line: (text) => void lines.push(text),
    linesTo: undefined,
    self: undefined,
    verbosity: new Verbosity(),
    notice: () => {},
  };
}

export const UPSTREAM = { name: "orders" } as UpstreamPlan;

/** A route to {@link UPSTREAM} with these patterns. */
export function route(name: string, ...paths: string[]): RoutePlan {
  return {
    name,
    matches: paths.map((path) => ({ path, methods: [], hosts: [], headers: [], query: [] })),
    ...WITHOUT_POLICIES,
    destination: {
      kind: "upstream",
      upstream: UPSTREAM,
      rewrite: undefined,
      timeouts: { connectMs: 1, sendMs: 1, firstByteMs: 1, idleMs: 1, wholeMs: 0, deadlineFields: [] },
      retries: undefined,
      hedge: undefined,
      upgrade: [],
    },
    log: true,
  };
}

/** An exchange as the listener makes it, begun 12.345 ms before {@link recordingPlatform} stands still. */
export function exchange(arrival: Partial<Arrival> = {}, path = "/api/orders/7", query = ""): Exchange {
  const x = new Exchange(
    {
      method: "GET",
      target: path + query,
      scheme: "http",
      authority: "api.example.com:8080",
      version: "1.1",
      fields: Fields.of(["Host", "api.example.com:8080"], ["User-Agent", "curl/8.5.0"]),
      content: null,
      peer: "127.0.0.1",
      ...arrival,
    },
    1000 - 12.345,
  );
  x.path = path;
  x.query = query;
  x.id = "0190a8f2-7c4e-4abc-8def-0123456789ab";
  return x;
}

/** An answer without content. */
export function answer(status: number): Answer {
  return new Answer(status, "", new Fields(), null);
}

/** The plan with lines of this form on standard output. */
export function logOf(format: LogFormat, plan: LogPlan = LOG): LogPlan {
  return { ...plan, to: [{ kind: "stdout", format }] };
}

/** Writes as the plan says. */
export function logInto(plan: LogPlan, platform: Platform): Recorder {
  return accessLog(
    plan,
    openSinks(plan, platform, (_, __, make) => make(undefined)),
    platform,
  );
}
