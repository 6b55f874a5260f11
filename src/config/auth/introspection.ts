// Token introspection (RFC 7662): the options of the scheme that asks the authorization server, and their schema.
import { isSafeUrl } from "../../http/safe-url.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import type { Duration, Size, UpstreamTls } from "../options.ts";
import type { TlsPlan } from "../plan.ts";
import { type Hidden, Secret } from "../secrets.ts";
import { maybe, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { tlsShape } from "../tls.ts";
import { choice, duration, flag, hiddenText, size, text } from "../values.ts";
import { type ClaimsOf, type ClaimsSchema, claimsSchemaShape } from "./claims-schema.ts";
import { oauthEntries, type OAuthOptions, type OAuthPlan, oauthPlan, oauthProblems } from "./oauth.ts";
import { type AnyClaims, SchemeOptions } from "./options.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** Access tokens of which the authorization server says what they are worth. */
export interface IntrospectionOptions<S extends ClaimsSchema<object> = ClaimsSchema<AnyClaims>> extends OAuthOptions {
  /** The introspection endpoint: `https`, or `http` to this machine. */
  url: string | Hidden;
  /** The gateway's own name at the authorization server. */
  clientId: string | Hidden;
  /** The gateway's secret at the authorization server: `env("NAME")`. */
  clientSecret: string | Hidden;
  /** How it says who it is: `"basic"` in Authorization, or `"post"` in the form. Default: `"basic"`. */
  clientAuth?: "basic" | "post";
  /** The `aud` of the answer must be this, one of these, or a list that holds one. Default: any, or none. */
  audience?: string | readonly string[];
  /** The `iss` of the answer must be this. Default: any, or none. */
  issuer?: string;
  /**
   * How long a token that is active is not asked about again, and so for how long one that was revoked may still pass. At
   * most `"1m"`; `"0s"` asks for every request. Never past `exp`. Default: `"30s"`.
   */
  cache?: Duration;
  /** From the question to the whole answer; more is 503. Default: `"5s"`. */
  timeout?: Duration;
  /** Most bytes of a token; the authorization server is not asked about longer ones. Default: `"8KiB"`. */
  maxLength?: Size;
  /** Whether the upstream sees the token. Default: `true`. */
  forward?: boolean;
  /** A Standard Schema (valibot, zod, …) that the answer must fit. Its output is `identity.claims`, with its type. */
  claims?: S;
  /** TLS towards the endpoint, as of an upstream. */
  tls?: UpstreamTls;
}

/** An authorization server as it is asked. */
export interface IntrospectionPlan extends OAuthPlan {
  readonly kind: "introspection";
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly clientAuth: "basic" | "post";
  /** The audiences that are taken; empty for any. */
  readonly audience: readonly string[];
  readonly issuer: string | undefined;
  readonly cacheMs: number;
  readonly timeoutMs: number;
  readonly maxLength: number;
  readonly forward: boolean;
  readonly claims: ClaimsSchema | undefined;
  readonly tls: TlsPlan;
}

/**
 * Callers show an access token, and the authorization server that gave it is asked what it is worth (RFC 7662). For tokens
 * that say nothing themselves, and for those that must stop to be good at once when they are revoked.
 */
export function introspection<S extends ClaimsSchema<object> = ClaimsSchema<AnyClaims>>(
  options: IntrospectionOptions<S>,
): SchemeOptions<ClaimsOf<S>> {
  return new SchemeOptions("introspection", options);
}

const LONGEST_CACHE_MS = 60_000;
const A_URL = 'the URL of an introspection endpoint, such as "https://login.example.com/oauth2/introspect"';

function some(wanted: string): Shape<string> {
  return text(wanted, (written) => (written === "" ? new Problem(wanted) : written));
}

/** Checks the options of `introspection()`. The result makes a plan for the scheme's name. */
export function introspectionShape(gateway: string, reader: ConfigReader): Shape<(name: string) => IntrospectionPlan> {
  const secret = hiddenText("the secret of the client", reader, ({ text, secret }) =>
    text === "" ? new Problem("the secret of the client") : (secret ?? new Secret(text, "clientSecret")),
  );
  const clientId = hiddenText("the id of the client", reader, ({ text }) =>
    text === "" ? new Problem("the id of the client") : text,
  );
  const shape = options(
    {
      ...commonEntries(gateway),
      ...oauthEntries,
      url: hiddenText(A_URL, reader, ({ text }) => urlProblem(text) ?? text),
      clientId,
      clientSecret: secret,
      clientAuth: or(choice("basic", "post"), "basic"),
      audience: maybe(oneOrMore(some("an audience"), "an audience or a list of audiences")),
      issuer: maybe(some("the `iss` of the answer")),
      cache: or(duration(0, LONGEST_CACHE_MS), "30s"),
      timeout: or(duration(), "5s"),
      maxLength: or(size, "8KiB"),
      forward: or(flag, true),
      claims: maybe(claimsSchemaShape),
      tls: or(tlsShape(reader), {}),
    },
    function* (right, written) {
      yield* oauthProblems(right, written["issuer"]);
    },
  );
  return then(shape, ({ mode, realm, resource, dpop, audience = [], cache, timeout, ...rest }) => (name) => ({
    ...rest,
    ...commonPlan(name, { mode, realm }),
    ...oauthPlan({ resource, dpop }, rest.issuer === undefined ? [] : [rest.issuer]),
    kind: "introspection",
    audience,
    cacheMs: cache,
    timeoutMs: timeout,
  }));
}

/** The token goes there: over plain http everybody on the way could read it. */
function urlProblem(written: string): Problem | undefined {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return new Problem(A_URL);
  if (url.username !== "" || url.password !== "") {
    return new Problem(A_URL, { found: false, hint: "User and password stand in `clientId` and `clientSecret`." });
  }
  if (written.includes("#")) return new Problem(A_URL, { hint: "It has no fragment." });
  if (isSafeUrl(written)) return undefined;
  return new Problem(A_URL, { hint: "Tokens are not sent over plain http, but to this machine." });
}
