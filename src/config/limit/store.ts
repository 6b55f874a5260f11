// The schema of where counts are kept that several gateways share: each kind by its own.
import * as v from "valibot";
import { Problem, type ConfigReader } from "../fault.ts";
import { chained, leaf, type Shape } from "../shape.ts";
import { durableObjectShape } from "./durable-object.ts";
import { LimitStoreOptions } from "./options.ts";
import type { LimitStorePlan } from "./plan.ts";
import { redisShape } from "./redis.ts";

const SHAPES: Readonly<Record<string, (reader: ConfigReader) => Shape<LimitStorePlan>>> = {
  redis: redisShape,
  "durable-object": durableObjectShape,
};

/** Checks the option `limiting.store`: what `redis()` or `durableObject()` returns. */
export function storeShape(reader: ConfigReader): Shape<LimitStorePlan> {
  return v.lazy((value): Shape<LimitStorePlan> => {
    const shape = value instanceof LimitStoreOptions ? SHAPES[value.kind] : undefined;
    return shape === undefined ? NO_STORE : chained(optionsOf, shape(reader));
  });
}

const optionsOf = leaf((store) => (store as LimitStoreOptions).options);
const NO_STORE = leaf<never>(
  () => new Problem('a store, such as redis("redis://…")', { hint: 'It is made by a function of "sluice".' }),
);
