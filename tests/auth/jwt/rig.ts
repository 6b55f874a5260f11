// A jwt scheme alone, in the fake world: made of options as users write them, asked by tokens.
import { createSchemes } from "../../../src/auth/create.ts";
import { Carried } from "../../../src/carried.ts";
import type { Scheme, Verdict } from "../../../src/auth/scheme.ts";
import { jwt, type JwtOptions } from "../../../src/config/auth/jwt.ts";
import type { ClaimsSchema } from "../../../src/config/auth/claims-schema.ts";
import type { Identity } from "../../../src/config/auth/options.ts";
import { formatPath, sentenceOf } from "../../../src/config/message.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { resolvePlan } from "../../../src/config/resolve.ts";
import { GatewayError } from "../../../src/errors.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { issuerKey, token } from "../../support/tokens.ts";
import { callOf } from "../callers.ts";

/** The issuer of the tests. */
export const ISSUER = "https://iss.test";
/** The place of its key set. */
export const JWKS = "https://iss.test/jwks";

/** The text of a key set. */
export function keySet(...keys: readonly object[]): string {
  return JSON.stringify({ keys });
}

/** What stands around a scheme. */
export interface Surroundings {
  readonly platform?: FakePlatform;
  /** Files by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly consumers?: NonNullable<GatewayOptions["consumers"]>;
}

/** A scheme that is asked. */
export class JwtRig {
  readonly platform: FakePlatform;
  readonly scheme: Scheme;
  readonly #carried = new Carried();

  constructor(options: Partial<JwtOptions<ClaimsSchema<object>>>, around: Surroundings = {}) {
    const { files = {}, env = {}, consumers = {} } = around;
    this.platform = around.platform ?? new FakePlatform();
    const reader = {
      env: (name: string) => env[name],
      file: (path: string) => files[path],
      locate: (path: string) => `/config/${path}`,
    };
    for (const [path, text] of Object.entries(files)) this.platform.files.write(`/config/${path}`, text);
    const written: GatewayOptions = {
      consumers,
      auth: { token: jwt({ issuer: ISSUER, audience: "svc", ...options }) },
      routes: { all: { match: "/*", auth: "token", answer: {} } },
    };
    const { plan, faults } = resolvePlan(written, reader);
    if (plan === undefined) throw new Error(faults.map((f) => `${formatPath(f.path)}: ${sentenceOf(f)}`).join("\n"));
    const ask = (): never => {
      throw new Error("no service is asked here");
    };
    const services = { platform: this.platform, keep: this.#carried.keep };
    this.scheme = createSchemes(plan.auth, services, ask).get("token")!;
  }

  /** Ends what runs in the background. */
  close(): void {
    this.#carried.close([]);
  }

  /** What the scheme makes of a request with this token. */
  async judge(text: string): Promise<Verdict> {
    return this.judgeNow(text);
  }

  /** As it comes: a promise where the scheme needs one. */
  judgeNow(text: string): Verdict | Promise<Verdict> {
    return this.judgeFields([["Authorization", `Bearer ${text}`]]);
  }

  /** What it makes of a request with these fields. */
  judgeFields(fields: [string, string][]): Verdict | Promise<Verdict> {
    return this.scheme.identify(callOf(undefined, { fields }));
  }

  /** The claims every good token has: they end five minutes from now. */
  claims(more: object = {}): Record<string, unknown> {
    return { iss: ISSUER, aud: "svc", sub: "u", exp: this.seconds + 300, ...more };
  }

  /** The wall clock. */
  get seconds(): number {
    return Math.floor(this.platform.wallClock() / 1000);
  }

  /** A token by `k1`, RS256, with these claims beside the usual ones. */
  good(claims: object = {}, header: object = {}): string {
    return token({ alg: "RS256", kid: "k1", ...header }, this.claims(claims), issuerKey("k1"));
  }
}

/** A scheme whose keys are k1 (RSA) and others, in a file. */
export function withFile(
  options: Partial<JwtOptions<ClaimsSchema<object>>> = {},
  keys: readonly object[] = [issuerKey("k1").jwk],
  around: Surroundings = {},
): JwtRig {
  return new JwtRig({ jwks: "keys.json", ...options }, { files: { "keys.json": keySet(...keys) }, ...around });
}

/** The refusal, or what was given in its place. */
export function refusal(verdict: Verdict): { code: string; message: string } | Identity | undefined {
  if (verdict instanceof GatewayError) return { code: verdict.code, message: verdict.message };
  return verdict as Identity | undefined;
}

/** The subject of an accepted token; the message of a refusal. */
export function outcome(verdict: Verdict): string {
  if (verdict instanceof GatewayError) return verdict.message;
  return `accepted ${(verdict as Identity | undefined)?.subject}`;
}
