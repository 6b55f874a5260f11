// What is said of the gateway with all that it sends.
import manifest from "../../../package.json" with { type: "json" };
import type { Platform } from "../../platform.ts";
import { type Attribute, textAttribute } from "./attributes.ts";

/** The part of a request that is the same in all of them. */
export interface Origin {
  readonly resource: { readonly attributes: readonly Attribute[] };
  readonly scope: { readonly name: string; readonly version: string };
}

/**
 * The resource, and what has made it. What the config or the environment says comes before what the gateway knows.
 * @param instance tells this process from others; all threads of it have the same
 */
export function originOf(
  name: string,
  instance: string,
  said: readonly (readonly [key: string, value: string])[],
  { runtime }: Pick<Platform, "runtime">,
): Origin {
  const { version } = manifest;
  const all = new Map([
    ["service.name", name],
    ["service.version", version],
    ["service.instance.id", instance],
    ["telemetry.sdk.name", "sluice"],
    ["telemetry.sdk.language", "javascript"],
    ["telemetry.sdk.version", version],
    ["process.runtime.name", runtime === "workers" ? "workerd" : runtime],
    ...said,
  ]);
  const attributes = [...all].map(([key, value]) => textAttribute(key, value, 4096));
  return { resource: { attributes }, scope: { name: "sluice", version } };
}
