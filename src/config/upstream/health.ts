// The schema of active checks.
import { readTarget } from "../../http/target.ts";
import { fieldsToSet } from "../field-changes.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { either, leaf, maybe, oneOrMore, options, or, partOf, then, type Shape } from "../shape.ts";
import { choice, duration, share, statusOrClass, text, whole } from "../values.ts";
import { fixedHost } from "./host-field.ts";
import type { HealthCommonPlan, HealthPlan } from "./plan.ts";

const INTERVAL = "3s";
const TIMEOUT_MS = 1000;

const common = {
  interval: or(duration(100), INTERVAL),
  timeout: maybe(duration(1)),
  rise: or(whole(1, 100), 2),
  fall: or(whole(1, 100), 3),
  jitter: or(share, 0.1),
  start: or(choice("up", "down"), "up"),
  panic: or(share, 0),
};

interface Common {
  readonly interval: number;
  readonly timeout: number | undefined;
  readonly rise: number;
  readonly fall: number;
  readonly jitter: number;
  readonly start: "up" | "down";
  readonly panic: number;
}

function commonPlan({ interval, timeout, rise, fall, jitter, start, panic }: Common): HealthCommonPlan {
  const timeoutMs = timeout ?? Math.min(TIMEOUT_MS, interval);
  return { intervalMs: interval, timeoutMs, rise, fall, jitter, start, panic };
}

function* clockProblems({ interval, timeout }: Partial<Common>): Generator<Problem> {
  if (interval === undefined || timeout === undefined || timeout <= interval) return;
  yield new Problem("a time of at most `interval`", {
    at: ["timeout"],
    hint: "No two checks of a target run at once.",
  });
}

const A_PATH = 'a path such as "/healthz"';
const path = text(A_PATH, (written) => {
  const target = written.startsWith("/") && !/[#\\]/.test(written) ? readTarget(written) : "";
  return typeof target === "string" ? new Problem(A_PATH) : target.path + target.query;
});

const body = text("a text that is not empty", (written) =>
  written === "" ? new Problem("a text that is not empty") : written,
);

const tcp: Shape<HealthPlan> = then(
  options({ ...common, tcp: leaf((value) => (value === true ? value : new Problem("true"))) }, clockProblems),
  (written) => ({ kind: "tcp", ...commonPlan(written) }),
);

function http(reader: ConfigReader): Shape<HealthPlan> {
  const shape = options(
    {
      ...common,
      path,
      method: or(choice("GET", "HEAD", "OPTIONS", "POST"), "GET"),
      status: or(oneOrMore(statusOrClass, "a list of statuses"), "2xx"),
      body: maybe(body),
      headers: or(fieldsToSet("request", reader), {}),
      host: maybe(fixedHost),
    },
    function* (right) {
      yield* clockProblems(right);
      if (right.method !== "HEAD" || right.body === undefined) return;
      yield new Problem("no text to look for", { at: ["body"], hint: "An answer to HEAD has no content." });
    },
  );
  return then(shape, (written) => ({
    kind: "http",
    ...commonPlan(written),
    method: written.method,
    path: written.path,
    statuses: written.status,
    body: written.body,
    host: written.host,
    fields: written.headers,
  }));
}

/** Checks the option `health` of an upstream. */
export function healthShape(reader: ConfigReader): Shape<HealthPlan> {
  return either((value) => partOf(value, "tcp") !== undefined, tcp, http(reader));
}
