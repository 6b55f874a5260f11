// Durable Objects of Cloudflare as the store of counts: what a user writes, and its schema.
import { Problem } from "../fault.ts";
import type { Duration } from "../options.ts";
import { options, or, then, type Shape } from "../shape.ts";
import { choice, duration, text } from "../values.ts";
import { LimitStoreOptions } from "./options.ts";
import type { DurableObjectStorePlan } from "./plan.ts";

/** Options of `durableObject()`: how the objects are asked. */
export interface DurableObjectStoreOptions {
  /** Longest wait for one decision. An object may be far away, and new. Default: `"1s"`. */
  timeout?: Duration;
  /**
   * What becomes of requests while they cannot be asked: `"refuse"` answers 503, `"local"` counts in the isolate alone.
   * Default: `"refuse"`.
   */
  onStoreError?: "refuse" | "local";
}

/**
 * Counts in Durable Objects on Cloudflare, one object for each limit and caller. The class is `LimitStore` of
 * `sluice/workers`, which the Worker exports.
 * @param binding the name of the binding
 */
export function durableObject(binding: string, options: DurableObjectStoreOptions = {}): LimitStoreOptions {
  return new LimitStoreOptions("durable-object", { ...options, binding });
}

const A_BINDING = 'the name of a binding, such as "LIMITS"';

/** Checks the options of `durableObject()`. */
export function durableObjectShape(): Shape<DurableObjectStorePlan> {
  return then(
    options({
      binding: text(A_BINDING, (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : new Problem(A_BINDING))),
      timeout: or(duration(1, 60_000), "1s"),
      onStoreError: or(choice("refuse", "local"), "refuse"),
    }),
    ({ binding, timeout, onStoreError }) => ({
      kind: "durable-object",
      binding,
      timeoutMs: timeout,
      onError: onStoreError,
    }),
  );
}
