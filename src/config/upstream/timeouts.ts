// The schema of how long an upstream is waited for.
import { fieldName } from "../field-changes.ts";
import { maybe, options, then, type Shape } from "../shape.ts";
import { duration } from "../values.ts";
import type { DeadlineFieldPlan, TimeoutsPlan, UpstreamPlan } from "./plan.ts";

/** Where gRPC says how long its client waits. */
const GRPC_TIMEOUT: DeadlineFieldPlan = { name: "grpc-timeout", key: "grpc-timeout", form: "grpc" };

/** The clocks of an upstream that sets none. */
const DEFAULTS: TimeoutsPlan = {
  connectMs: 5_000,
  sendMs: 60_000,
  firstByteMs: 60_000,
  idleMs: 300_000,
  wholeMs: 0,
  deadlineFields: [],
};

/** Clocks in place of others; what they do not set stays. */
export const timeoutsShape: Shape<(of: TimeoutsPlan) => TimeoutsPlan> = then(
  options({
    connect: maybe(duration()),
    send: maybe(duration()),
    firstByte: maybe(duration()),
    idle: maybe(duration()),
    whole: maybe(duration()),
    header: maybe(fieldName),
  }),
  ({ connect, send, firstByte, idle, whole, header }) =>
    (of) => ({
      connectMs: connect ?? of.connectMs,
      sendMs: send ?? of.sendMs,
      firstByteMs: firstByte ?? of.firstByteMs,
      idleMs: idle ?? of.idleMs,
      wholeMs: whole ?? of.wholeMs,
      deadlineFields: header === undefined ? of.deadlineFields : withField(of.deadlineFields, header),
    }),
);

/** The clocks of an upstream. Over HTTP/2 there may be gRPC, which has a field of its own. */
export function upstreamTimeouts(
  written: ((of: TimeoutsPlan) => TimeoutsPlan) | undefined,
  protocol: UpstreamPlan["protocol"],
): TimeoutsPlan {
  const defaults = protocol !== "http1" ? { ...DEFAULTS, deadlineFields: [GRPC_TIMEOUT] } : DEFAULTS;
  return written === undefined ? defaults : written(defaults);
}

/** One plain field at most, beside that of gRPC. */
function withField(fields: readonly DeadlineFieldPlan[], name: string): readonly DeadlineFieldPlan[] {
  const key = name.toLowerCase();
  const kept = fields.filter(({ form }) => form === "grpc");
  if (key === GRPC_TIMEOUT.key) return [GRPC_TIMEOUT];
  return [...kept, { name, key, form: "plain" }];
}
