// The schema of traces.
import type { ConfigReader } from "../fault.ts";
import { either, options, or, type Shape } from "../shape.ts";
import { parameterNames } from "../log/log.ts";
import { choice, flag, share } from "../values.ts";
import { environmentOf } from "./environment.ts";
import type { TracingPlan } from "./plan.ts";
import { unheard } from "./unheard.ts";

const EXEMPLARS = { trace_based: "sampled", always_on: "all", always_off: "none" } as const;

/** Traces as they are written, or as the environment says where that is asked for; undefined where it turns them off. */
export function tracingShape(reader: ConfigReader): Shape<TracingPlan | undefined> {
  const who = choice("everyone", "proxies", "nobody");
  return either(
    (value) => value === "env",
    environmentOf(reader, (variables) => {
      const { isOff, sampler, propagators } = variables;
      if (isOff) return undefined;
      const baggage = propagators.has("baggage") ? "proxies" : "nobody";
      const filter = variables.word(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        ["trace_based", "always_on", "always_off"],
        "trace_based",
      );
      return {
        ...sampler(),
        errors: false,
        trust: "everyone",
        baggage,
        exemplars: EXEMPLARS[filter],
        redactQuery: [],
        knownMethods: variables.knownMethods,
        unheard: unheard(variables),
      };
    }),
    options({
      sample: or(share, 1),
      parent: or(choice("follow", "ignore"), "follow"),
      errors: or(flag, false),
      trust: or(who, "everyone"),
      baggage: or(who, "proxies"),
      exemplars: or(choice("sampled", "all", "none"), "sampled"),
      redactQuery: parameterNames,
    }),
  );
}
