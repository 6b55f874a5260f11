// Cross-origin calls: what a browser is told before it asks, and on every answer (the Fetch standard's CORS protocol; case GW-47).
import { Answer } from "../answer.ts";
import type { CorsPlan } from "../config/auth/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { isToken } from "../http/message.ts";

/** CORS of one route. */
export interface Cors {
  /**
   * The answer to a preflight: 204, without a call of the upstream.
   * @param methods what routes at this path name; the announced method, which a route takes, need not be among them
   * @throws GatewayError `origin_not_allowed`
   */
  preflight(x: Exchange, methods: readonly string[]): Answer;
  /** Puts the fields of an answer in place of those that the upstream gave. */
  mark(x: Exchange, fields: Fields): void;
}

/** Whether a request is a preflight: a plain OPTIONS is treated as any method. */
export function isPreflight(x: Exchange): boolean {
  return x.method === "OPTIONS" && x.fields.has("origin") && x.fields.has("access-control-request-method");
}

/** Compiles the policy of a route. */
export function compileCors(plan: CorsPlan): Cors {
  const { origins, headers, credentials } = plan;
  const expose = plan.expose.join(", ");
  const maxAge = String(plan.maxAgeSeconds);
  const isAllowed = originTest(origins);
  const any = origins === "*";
  const mark = (x: Exchange, fields: Fields): void => {
    for (const key of OWNED) fields.delete(key);
    if (!any) addVary(fields, "Origin");
    const origin = x.fields.get("origin");
    if (origin === undefined || !isAllowed(origin)) return;
    fields.add("Access-Control-Allow-Origin", any ? "*" : origin);
    if (credentials) fields.add("Access-Control-Allow-Credentials", "true");
    if (expose !== "") fields.add("Access-Control-Expose-Headers", expose);
  };
  return {
    mark,
    preflight(x, methods) {
      if (!isAllowed(x.fields.get("origin")!)) {
        throw new GatewayError("origin_not_allowed", "cors.origins: the origin of the preflight is none of them");
      }
      const fields = Fields.of([
        "Access-Control-Allow-Methods",
        (plan.methods ?? withAnnounced(x, methods)).join(", "),
      ]);
      const allowed = headers === undefined ? requestedNames(x) : headers.join(", ");
      if (allowed !== "") fields.add("Access-Control-Allow-Headers", allowed);
      fields.add("Access-Control-Max-Age", maxAge);
      for (const name of ["Access-Control-Request-Method", "Access-Control-Request-Headers"]) addVary(fields, name);
      return new Answer(204, undefined, fields, null);
    },
  };
}

/** Fields of the protocol that an upstream's own answer may bring. */
const OWNED = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"];

function originTest(origins: CorsPlan["origins"]): (origin: string) => boolean {
  if (origins === "*") return () => true;
  const exact = new Set(origins.filter((origin) => typeof origin === "string"));
  const below = origins.filter((origin) => typeof origin !== "string");
  return (origin) =>
    exact.has(origin) ||
    below.some(([scheme, suffix]) => {
      const host = origin.slice(scheme.length, origin.length - suffix.length);
      return origin.startsWith(scheme) && origin.endsWith(suffix) && /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(host);
    });
}

/** The methods with the one that the preflight asks for: a route that names no methods takes it too. */
function withAnnounced(x: Exchange, methods: readonly string[]): readonly string[] {
  const announced = x.fields.get("access-control-request-method")!;
  return methods.includes(announced) || !isToken(announced) ? methods : [...methods, announced];
}

/** The names a preflight asks for, if they are names at all. */
function requestedNames(x: Exchange): string {
  const asked = x.fields.joined("access-control-request-headers") ?? "";
  return /^[\w!#$%&'*+.^`|~, -]{0,1024}$/.test(asked) ? asked : "";
}

function addVary(fields: Fields, name: string): void {
  const vary = fields.joined("vary");
  if (vary === undefined) fields.add("Vary", name);
  else if (vary !== "*" && !vary.toLowerCase().split(/, */).includes(name.toLowerCase())) {
    fields.set("Vary", `${vary}, ${name}`);
  }
}
