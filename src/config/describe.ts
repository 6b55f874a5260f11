// Shows a value of the config to the operator: short, on one line, secrets masked.
import { EnvReference, REDACTED, Secret } from "./secrets.ts";
import type { ConfigPath } from "./fault.ts";

const LONGEST = 60;

/** Options below which values may be credentials, wherever they stand. */
const GUARDED: ReadonlySet<string | number> = new Set(["set", "headers", "query", "body", "key", "cert", "ca"]);

/** The value as a message shows it; undefined for undefined. `path` decides whether it may be a credential. */
export function describeFound(value: unknown, path: ConfigPath): string | undefined {
  switch (typeof value) {
    case "undefined":
      return undefined;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      return describeObject(value);
    default:
      if (isGuarded(path)) return REDACTED;
      return typeof value === "string" ? quoted(value) : String(value);
  }
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (value instanceof EnvReference) return describeReference(value);
  if (value instanceof Secret) return REDACTED;
  if (!Array.isArray(value)) return "an object";
  return value.length === 0 ? "an empty list" : "a list";
}

/** `env("NAME")`. A name that is none may be a secret in the wrong place and is masked. */
export function describeReference(reference: EnvReference): string {
  return isVariableName(reference.name) ? `env("${reference.name}")` : `env(${REDACTED})`;
}

/** Whether the environment can have a variable of this name. */
export function isVariableName(name: unknown): name is string {
  return typeof name === "string" && name.length <= 128 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** A text in quotes, shortened. What may be a key, and user, password and query of a URL, are masked. */
export function quoted(text: string): string {
  if (text.includes("-----BEGIN")) return "a PEM text";
  const shown = text
    .replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/).*@/s, `$1${REDACTED}@`)
    .replace(/^[^/:\s]+:.*@/s, `${REDACTED}@`)
    .replace(/\?.+$/s, `?${REDACTED}`);
  return JSON.stringify(shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown);
}

/** Names to choose from, in one line. */
export function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown;
}

/** Upstreams, routes and collectors hold what may be a credential; their names, the second key, are the user's own words. */
function isGuarded(path: ConfigPath): boolean {
  if (path[0] === "consumers") return path.length > 2 && path[2] !== "groups" && path[2] !== "subjects";
  if (path[0] === "otlp") return path.some((key) => GUARDED.has(key));
  if ((path[0] !== "upstreams" && path[0] !== "routes") || path.includes("remove", 2)) return false;
  return path.some((key, i) => i > 1 && GUARDED.has(key));
}
