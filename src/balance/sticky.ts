// Sticky: a cookie leads a client back to the target that answered it before.
import type { StickyPlan } from "../config/upstream/plan.ts";
import type { AttemptRecord, Exchange } from "../exchange.ts";
import { cookieValues } from "../http/cookies.ts";
import type { Platform } from "../platform.ts";
import { rowOf, type Target, type Watcher } from "../target.ts";
import type { Policy } from "./policy.ts";

/** Bytes of a token: too many to guess one. */
const TOKEN_BYTES = 16;

/**
 * The cookie holds an HMAC-SHA-256 over the names of upstream and target, cut to 128 bits: it reveals nothing of where
 * the target is, and whoever does not have the secret cannot make one. A value that belongs to no target that may be
 * picked is as none: another policy picks, and the answer has a new cookie. So does the answer of a later attempt.
 * Answers from 500 on bind nobody.
 */
export class Sticky<T extends Target> implements Policy<T> {
  readonly watchers: readonly Watcher<T>[];
  readonly #policy: Policy<T>;
  readonly #upstream: string;
  readonly #plan: StickyPlan;
  readonly #sign: (text: string) => Promise<string>;
  /** By the URLs of the targets. */
  #tokens: ReadonlyMap<string, string> = new Map();
  #byToken: ReadonlyMap<string, T> = new Map();
  #signing: Promise<void> | undefined;

  /** @param policy picks for those that nothing binds */
  constructor(policy: Policy<T>, upstream: string, plan: StickyPlan, platform: Platform) {
    this.#policy = policy;
    this.#upstream = upstream;
    this.#plan = plan;
    this.#sign = signer(plan, platform.subtle);
    this.watchers = [...(policy.watchers ?? []), this];
  }

  /** What runtimes sign comes later. */
  ready(): Promise<void> | undefined {
    return this.#signing;
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    this.#policy.use(targets, weights);
    const known = this.#tokens;
    this.#know(targets, known);
    const unknown = targets.filter(({ plan }) => !known.has(plan.url));
    if (unknown.length === 0) {
      this.#signing = undefined;
      return;
    }
    const signing = this.#signAll(unknown).then((signed) => {
      // Others may be used by now: then those are being signed.
      if (this.#signing !== signing) return;
      this.#signing = undefined;
      this.#know(targets, new Map([...known, ...signed]));
    });
    this.#signing = signing;
  }

  pick(x: Exchange): T {
    for (const value of cookieValues(x.fields, this.#plan.cookie)) {
      const target = this.#byToken.get(value);
      if (target !== undefined) return target;
    }
    return this.#policy.pick(x);
  }

  other(x: Exchange, tried: readonly T[]): T {
    return this.#policy.other(x, tried);
  }

  settled({ plan }: T, { error, status }: AttemptRecord, x: Exchange): void {
    const { cookie } = this.#plan;
    const token = this.#tokens.get(plan.url);
    if (error !== undefined || status >= 500 || token === undefined) return;
    const others = x.cookies.filter((line) => !line.startsWith(`${cookie}=`));
    const has = cookieValues(x.fields, cookie).has(token);
    x.cookies = has ? others : [...others, this.#line(token, x)];
  }

  #line(token: string, x: Exchange): string {
    const { cookie, attributes, secure } = this.#plan;
    const isSecure = secure ?? (x.scheme === "https" || (x.trusted && x.fields.get("x-forwarded-proto") === "https"));
    return `${cookie}=${token}${attributes}${isSecure ? "; Secure" : ""}`;
  }

  #know(targets: readonly T[], tokens: ReadonlyMap<string, string>): void {
    const here = targets.filter(({ plan }) => tokens.has(plan.url));
    this.#tokens = new Map(here.map(({ plan }) => [plan.url, tokens.get(plan.url)!]));
    this.#byToken = new Map(here.map((target) => [tokens.get(target.plan.url)!, target]));
  }

  #signAll(targets: readonly T[]): Promise<[url: string, token: string][]> {
    return Promise.all(
      targets.map(async ({ plan }) => [plan.url, await this.#sign(rowOf(this.#upstream, plan))] as [string, string]),
    );
  }
}

/** Makes the function that signs a text. */
function signer({ secret }: StickyPlan, subtle: SubtleCrypto): (text: string) => Promise<string> {
  const bytes = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  let key: Promise<CryptoKey> | undefined;
  return async (text) => {
    key ??= subtle.importKey("raw", bytes.encode(secret.reveal()), hmac, false, ["sign"]);
    const signature = await subtle.sign("HMAC", await key, bytes.encode(text));
    return new Uint8Array(signature, 0, TOKEN_BYTES).toBase64({ alphabet: "base64url", omitPadding: true });
  };
}
