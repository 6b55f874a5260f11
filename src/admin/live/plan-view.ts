// The plan that runs, for people: plain values, and nothing in it that may be a credential.
import type { Plan } from "../../config/plan.ts";
import { REDACTED, Secret } from "../../config/secrets.ts";
import { CREDENTIAL_PARAMETERS } from "../../record/redact.ts";

/** Members below which texts may be credentials: values of fields, contents, keys, and hashes that could be guessed from. */
const GUARDED: ReadonlySet<string> = new Set([
  ...["set", "fields", "headers", "query", "body", "key", "keys", "cert", "ca", "password", "token", "secret"],
  ...["hash", "content", "signingKeys", "claims", "credentials", "clientSecret"],
]);

/** Members of that kind which name things: they are shown. */
const NAMES: ReadonlySet<string> = new Set(["name", "kind", "header", "headerName"]);

const NO_NAMES: ReadonlyMap<object, string> = new Map();

/** Longest list that is shown whole. */
const MOST_ITEMS = 200;

/** The plan as JSON can hold it. Of upstreams, limits and bounds routes tell the names: what they are stands once. */
export function planView(plan: Plan): unknown {
  const named = [...Object.values(plan.upstreams), ...plan.limits.limits, ...plan.inFlight];
  const names = new Map<object, string>(named.map((each) => [each, each.name]));
  const { fields, ...limits } = plan.limits;
  return {
    ...Object(viewOf({ ...plan, limits: undefined, routes: undefined }, false)),
    // Which fields tell of limits is a word, where elsewhere `fields` are values.
    limits: { ...Object(viewOf(limits, false)), fields },
    routes: viewOf(plan.routes, false, names),
  };
}

/** @param names of objects that are told by their name */
function viewOf(value: unknown, guarded: boolean, names: ReadonlyMap<object, string> = NO_NAMES): unknown {
  switch (typeof value) {
    case "function":
      return "(a function)";
    case "string":
      return guarded ? REDACTED : withoutCredentials(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : (names.get(value) ?? objectView(value, guarded, names));
    default:
      return String(value);
  }
}

function objectView(value: object, guarded: boolean, names: ReadonlyMap<object, string>): unknown {
  if (value instanceof Secret) return REDACTED;
  if (value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (value instanceof Map) return objectView(Object.fromEntries(value), guarded, names);
  if (Array.isArray(value) || value instanceof Set) {
    const all = [...(value as Iterable<unknown>)];
    const shown = all.slice(0, MOST_ITEMS).map((each) => viewOf(each, guarded, names));
    return all.length > MOST_ITEMS ? [...shown, `(and ${all.length - MOST_ITEMS} more)`] : shown;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      viewOf(each, GUARDED.has(name) || (guarded && !NAMES.has(name)), names),
    ]),
  );
}

/** User and password of a URL, and what its query names as a credential. */
function withoutCredentials(text: string): string {
  if (text.includes("-----BEGIN")) return REDACTED;
  return text.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, `$1${REDACTED}@`).replace(PARAMETER, `$1${REDACTED}`);
}

const PARAMETER = new RegExp(`([?&](?:${CREDENTIAL_PARAMETERS.join("|")})=)[^&]*`, "gi");
