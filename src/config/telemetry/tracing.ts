// The schema of traces.
import type { ConfigReader } from "../fault.ts";
import { either, options, or, type Shape } from "../shape.ts";
import { choice, flag, share } from "../values.ts";
import { environmentOf } from "./environment.ts";
import type { TracingPlan } from "./plan.ts";

/** Traces as they are written, or as the environment says where that is asked for; undefined where it turns them off. */
export function tracingShape(reader: ConfigReader): Shape<Omit<TracingPlan, "redactQuery"> | undefined> {
  const who = choice("everyone", "proxies", "nobody");
  return either(
    (value) => value === "env",
    environmentOf(reader, ({ isOff, sampler, propagators }) => {
      if (isOff) return undefined;
      const baggage = propagators.has("baggage") ? "proxies" : "nobody";
      return { ...sampler(), errors: false, trust: "everyone", baggage };
    }),
    options({
      sample: or(share, 1),
      parent: or(choice("follow", "ignore"), "follow"),
      errors: or(flag, false),
      trust: or(who, "everyone"),
      baggage: or(who, "proxies"),
    }),
  );
}
