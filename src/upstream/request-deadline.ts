// Until when a request is worth answering: what its client says of it, and what the upstream is told.
import type { DeadlineFieldPlan } from "../config/upstream/plan.ts";
import { LONGEST_TIMER_MS } from "../http/duration.ts";
import type { Fields } from "../http/fields.ts";

/** Milliseconds of the units of `grpc-timeout` (gRPC over HTTP/2, "Timeout"). */
const GRPC_UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds that a client gives; undefined when it gives none that can be read. The shortest counts. */
export function timeoutOf(fields: Fields, names: readonly DeadlineFieldPlan[]): number | undefined {
  let least: number | undefined;
  for (const { key, form } of names) {
    const value = fields.get(key);
    const ms = value === undefined ? undefined : form === "grpc" ? grpcMs(value) : plainMs(value);
    // What no timer can wait for is as good as none.
    if (ms !== undefined && ms <= LONGEST_TIMER_MS && (least === undefined || ms < least)) least = ms;
  }
  return least;
}

function grpcMs(value: string): number | undefined {
  const parts = /^(\d{1,8})([HMSmun])$/.exec(value);
  return parts === null ? undefined : Math.ceil(Number(parts[1]) * GRPC_UNITS[parts[2]!]!);
}

function plainMs(value: string): number | undefined {
  return /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

/**
 * The lines that tell the upstream how long the answer is waited for. `grpc-timeout` stands only where the client sent
 * one: it belongs to gRPC.
 */
export function timeoutLines(fields: Fields, names: readonly DeadlineFieldPlan[], leftMs: number): string {
  if (leftMs === Infinity) return "";
  const ms = Math.max(1, Math.floor(leftMs));
  let text = "";
  for (const { name, key, form } of names) {
    if (form === "plain") text += `${name}: ${ms}\r\n`;
    // At most eight digits.
    else if (fields.has(key)) text += `${name}: ${ms < 1e8 ? `${ms}m` : `${Math.floor(ms / 1000)}S`}\r\n`;
  }
  return text;
}
