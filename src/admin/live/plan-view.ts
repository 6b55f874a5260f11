// The plan that runs, for people: plain values, and nothing in it that may be a credential.
import type { Plan } from "../../config/plan.ts";
import type { TimeoutsPlan } from "../../config/upstream/plan.ts";
import { REDACTED, Secret } from "../../config/secrets.ts";
import { CREDENTIAL_PARAMETERS } from "../../record/redact.ts";

/** Members below which texts may be credentials: values of fields, contents, keys, and hashes that could be guessed from. */
const GUARDED: ReadonlySet<string> = new Set([
  ...["set", "fields", "headers", "query", "body", "key", "keys", "cert", "ca", "password", "token", "secret"],
  ...["hash", "content", "signingKeys", "claims", "credentials", "clientSecret"],
]);

/** Members of that kind which name things: they are shown. */
const NAMES: ReadonlySet<string> = new Set(["name", "kind", "header", "headerName"]);

/** A member of the plan, and the option that it comes of: how that is called, and its value. */
interface OptionOf {
  /** Another member of the same object, or some of which there is one: what users name is no member of this kind. */
  readonly beside: string | readonly string[];
  readonly name: string;
  value?(value: unknown): unknown;
}

const unlessZero = (value: unknown): unknown => (value === 0 ? undefined : value);

/** What is called otherwise as an option, or is set otherwise there: it is told as it is written. */
const OPTIONS: ReadonlyMap<string, OptionOf> = new Map<string, OptionOf>([
  [
    "deadlineFields",
    {
      ...{ beside: "wholeMs", name: "header" },
      value: (fields) => (fields as TimeoutsPlan["deadlineFields"]).map(({ name }) => name),
    },
  ],
  ["wholeMs", { beside: "deadlineFields", name: "wholeMs", value: unlessZero }],
  ["perTryMs", { beside: "replay", name: "perTryMs", value: unlessZero }],
  ["mostMs", { beside: "baseMs", name: "maxMs" }],
  ["least", { beside: "share", name: "min" }],
  ["observe", { beside: ["realm", "any", "span", "queue"], name: "mode", value: (is) => (is ? "observe" : "enforce") }],
  ["mirrors", { beside: "matches", name: "mirror" }],
]);

/** Stands in the place of what is not shown. @param shown what is shown of it */
export type Seal = (hidden: unknown, shown: string) => string;

/** How values are viewed. */
interface Viewing {
  /** Names of objects that are told by their name. */
  readonly names: ReadonlyMap<object, string>;
  readonly seal: Seal;
}

const NO_NAMES: ReadonlyMap<object, string> = new Map();

/** Longest list that is shown whole. */
const MOST_ITEMS = 200;

/** The plan as JSON can hold it. Of upstreams, limits and bounds routes tell the names: what they are stands once. */
export function planView(plan: Plan, seal: Seal = (_, shown) => shown): unknown {
  const named = [...Object.values(plan.upstreams), ...plan.limits.limits, ...plan.inFlight];
  const names = new Map<object, string>(named.map((each) => [each, each.name]));
  const { fields, ...limits } = plan.limits;
  const all = { names: NO_NAMES, seal };
  return {
    ...Object(viewOf({ ...plan, limits: undefined, routes: undefined }, false, all)),
    // Which fields tell of limits is a word, where elsewhere `fields` are values.
    limits: { ...Object(viewOf(limits, false, all)), fields },
    routes: viewOf(plan.routes, false, { names, seal }),
  };
}

function viewOf(value: unknown, guarded: boolean, viewing: Viewing): unknown {
  const { names, seal } = viewing;
  switch (typeof value) {
    case "function":
      return seal(value, "(a function)");
    case "string":
      return guarded ? seal(value, REDACTED) : textView(value, seal);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "object":
      return value === null ? null : (names.get(value) ?? objectView(value, guarded, viewing));
    default:
      return String(value);
  }
}

function objectView(value: object, guarded: boolean, viewing: Viewing): unknown {
  const { seal } = viewing;
  if (value instanceof Secret) return seal(value, REDACTED);
  // What a library makes of itself may be large, and may hold itself.
  if ("~standard" in value) return seal(value, "(a schema)");
  if (value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value)) return seal(value, `(${value.byteLength} bytes)`);
  if (value instanceof Map) return objectView(Object.fromEntries(value), guarded, viewing);
  if (Array.isArray(value) || value instanceof Set) {
    const all = [...(value as Iterable<unknown>)];
    const shown = all.slice(0, MOST_ITEMS).map((each) => viewOf(each, guarded, viewing));
    const more = all.slice(MOST_ITEMS);
    return more.length > 0 ? [...shown, seal(more, `(and ${more.length} more)`)] : shown;
  }
  return Object.fromEntries(
    Object.entries(value).map(([own, each]) => {
      const option = optionOf(own, value);
      const told = option?.value === undefined ? each : option.value(each);
      return [option?.name ?? own, viewOf(told, GUARDED.has(own) || (guarded && !NAMES.has(own)), viewing)];
    }),
  );
}

function optionOf(member: string, of: object): OptionOf | undefined {
  const option = OPTIONS.get(member);
  return option !== undefined && [option.beside].flat().some((each) => each in of) ? option : undefined;
}

function textView(text: string, seal: Seal): string {
  const shown = withoutCredentials(text);
  return shown === text ? text : seal(text, shown);
}

/** User and password of a URL, and what its query names as a credential. */
function withoutCredentials(text: string): string {
  if (text.includes("-----BEGIN")) return REDACTED;
  return text.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, `$1${REDACTED}@`).replace(PARAMETER, `$1${REDACTED}`);
}

const PARAMETER = new RegExp(`([?&](?:${CREDENTIAL_PARAMETERS.join("|")})=)[^&]*`, "gi");
