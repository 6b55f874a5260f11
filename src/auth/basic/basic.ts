// Basic authentication (RFC 7617): consumers by name and password, which is checked against a slow hash.
import { LRUCache } from "lru-cache";
import type { BasicPlan } from "../../config/auth/basic.ts";
import type { Identity } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { holderOf } from "../../http/ip.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { basicCredentials, type BasicCredentials } from "./basic-credentials.ts";
import type { PasswordChecks } from "./password-checks.ts";
import { passwordProblem, type PasswordForm, readHash } from "./password-rules.ts";

/** How long a right password is known again without its hash, in milliseconds, and how many are. */
const KNOWN_MS = 60_000;
const MOST_KNOWN = 1024;

/** A consumer that has a password. */
interface Member {
  readonly identity: Identity;
  readonly hash: string;
  readonly form: PasswordForm;
}

/** A check under way, and all who wait for it. */
interface Flight {
  readonly callers: Exchange[];
  readonly verdict: Promise<Verdict>;
}

/** The scheme of a plan with `kind: "basic"`. */
export function createBasic(plan: BasicPlan, services: AuthServices): Scheme {
  const judge = new Judge(plan.name, services);
  return {
    name: plan.name,
    observe: plan.observe,
    credentialFields: ["authorization"],
    forwards: plan.forward,
    identify(x) {
      const credentials = basicCredentials(x.fields);
      if (credentials === undefined || credentials instanceof GatewayError) return credentials;
      return judge.verdict(x, credentials);
    },
    challenge: () => `Basic realm="${plan.realm}", charset="UTF-8"`,
  };
}

class Judge {
  readonly #services: AuthServices;
  readonly #checks: PasswordChecks;
  readonly #members = new Map<string, Member>();
  /** All hashes: a user whom nobody knows costs as much as one of those whom somebody does. */
  readonly #hashes: readonly string[];
  /** Right credentials by their keyed hash. */
  readonly #known = new LRUCache<string, { readonly identity: Identity; readonly until: number }>({ max: MOST_KNOWN });
  /** By the same hash. No more than there are checks. */
  readonly #flights = new Map<string, Flight>();
  /** As long as a block of SHA-256, so that nothing of what is hashed can be chosen to undo it. */
  readonly #secret: Promise<Uint8Array>;

  constructor(name: string, services: AuthServices) {
    const { platform, consumers } = services;
    this.#services = services;
    this.#checks = services.passwordChecks();
    for (const { consumer, password } of consumers) {
      if (password === undefined) continue;
      const hash = password.reveal();
      const read = readHash(hash);
      if (typeof read === "string") continue;
      const { form } = read;
      const identity = { scheme: name, consumer, subject: consumer.name, scopes: [], claims: {}, fields: [] };
      this.#members.set(consumer.name, { identity, hash, form });
    }
    this.#hashes = [...this.#members.values()]
      .filter(({ form }) => platform.passwordForms.includes(form))
      .map(({ hash }) => hash);
    this.#secret = secretOf(platform.subtle);
    // Whoever needs it is told that it could not be made.
    this.#secret.catch(() => {});
  }

  async verdict(x: Exchange, credentials: BasicCredentials): Promise<Verdict> {
    try {
      return await this.#judge(x, credentials);
    } catch (cause) {
      return unavailable("the password could not be checked", cause);
    }
  }

  async #judge(x: Exchange, credentials: BasicCredentials): Promise<Verdict> {
    const { user, password } = credentials;
    const digest = await this.#digestOf(`${user}:${password}`);
    const known = this.#known.get(digest);
    if (known !== undefined && this.#services.platform.now() < known.until) return known.identity;
    let flight = this.#flights.get(digest);
    if (flight === undefined) {
      const callers = [x];
      flight = { callers, verdict: this.#check(callers, credentials, digest) };
      this.#flights.set(digest, flight);
    } else flight.callers.push(x);
    try {
      return await flight.verdict;
    } finally {
      if (this.#flights.get(digest) === flight) this.#flights.delete(digest);
    }
  }

  async #check(callers: readonly Exchange[], { user, password }: BasicCredentials, digest: string): Promise<Verdict> {
    const { platform } = this.#services;
    const member = this.#members.get(user);
    if (member !== undefined && !platform.passwordForms.includes(member.form)) {
      return unavailable(`this runtime cannot check hashes of ${member.form}`);
    }
    const impossible = passwordProblem(password, member?.form ?? "argon2id") !== undefined;
    const hash = member?.hash ?? (await this.#decoy(user));
    if (hash === undefined) return unknownUser();
    const isWanted = (): boolean => {
      const wanted = callers.some(({ left }) => !left.yes);
      // Whoever comes now with the same credentials begins anew.
      if (!wanted) this.#flights.delete(digest);
      return wanted;
    };
    // For what no password can be, another is checked: it takes the time and is refused.
    const checked = await this.#checks.check(
      impossible ? "impossible" : password,
      hash,
      holderOf(callers[0]!.client),
      isWanted,
    );
    if (checked === "busy") return unavailable("too many passwords wait to be checked");
    if (checked === "unwanted") return unavailable("the client left before the password was checked");
    if (member === undefined) return unknownUser();
    if (!checked || impossible) {
      return new GatewayError("invalid_credentials", `the password is not that of ${user}`);
    }
    this.#known.set(digest, { identity: member.identity, until: platform.now() + KNOWN_MS });
    return member.identity;
  }

  /** Somebody's hash, always the same for the same name. Undefined when there are none. */
  async #decoy(user: string): Promise<string | undefined> {
    const digest = await this.#digestOf(user);
    return this.#hashes[Number.parseInt(digest.slice(0, 8), 16) % this.#hashes.length];
  }

  /** A hash that only this process can make. The user's name holds no colon, so that no two pairs are one text. */
  async #digestOf(text: string): Promise<string> {
    const secret = await this.#secret;
    const bytes = new TextEncoder().encode(text);
    const keyed = new Uint8Array(secret.length + bytes.length);
    keyed.set(secret);
    keyed.set(bytes, secret.length);
    return (await this.#services.platform.sha256(keyed)).toHex();
  }
}

async function secretOf(subtle: SubtleCrypto): Promise<Uint8Array> {
  const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-256", length: 512 }, true, ["sign"]);
  return new Uint8Array(await subtle.exportKey("raw", key));
}

function unknownUser(): GatewayError {
  return new GatewayError("invalid_credentials", "no consumer of this name has a password");
}

function unavailable(why: string, cause?: unknown): GatewayError {
  return new GatewayError("authentication_unavailable", why, { cause, fields: [["Retry-After", "1"]] });
}
