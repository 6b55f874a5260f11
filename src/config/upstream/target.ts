// The schema of an upstream's targets: URLs come out as what to connect to and what to call it.
import { MOST_WEIGHT } from "../../discover/target-list.ts";
import { A_TARGET_URL, readTargetAddress, type TargetAddress } from "../../discover/target-url.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import type { TargetPlan } from "./plan.ts";
import { either, isPlainObject, options, or, then, type Shape } from "../shape.ts";
import { hiddenText, whole } from "../values.ts";

/** One target: a URL, or a URL and a weight. */
export function targetShape(reader: ConfigReader): Shape<TargetPlan> {
  const url = targetUrl(reader);
  const alone = then(url, (address) => ({ ...address, weight: 1 }));
  const weighted = then(options({ url, weight: or(whole(0, MOST_WEIGHT), 1) }), ({ url, weight }) => ({
    ...url,
    weight,
  }));
  return either(isPlainObject, weighted, alone);
}

/** Checks the URL of a target: text, or `env("NAME")`. */
export function targetUrl(reader: ConfigReader): Shape<TargetAddress> {
  return hiddenText(A_TARGET_URL, reader, ({ text }) => readTargetUrl(text));
}

/** The address in a target's URL, or what is wrong with it. See readTargetAddress. */
export function readTargetUrl(url: string): TargetAddress | Problem {
  const address = readTargetAddress(url);
  return typeof address === "string" ? new Problem(A_TARGET_URL, { hint: address }) : address;
}
