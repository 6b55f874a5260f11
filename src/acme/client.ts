// Asks an authority: signed requests with their nonces, answers that are bounded in size and time (RFC 8555 section 6).
import { FlattenedSign, type JWK } from "jose";
import type { AcmePlan } from "../config/listen/plan.ts";
import { boundedText, FetchFailure, inTime, reasonOf } from "../http/fetch-text.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { isSafeUrl } from "../http/safe-url.ts";
import type { ClientTls, Platform } from "../platform.ts";
import { AcmeFailure, type FailureFacts, shown } from "./failure.ts";

/** Of one request, from its start to the end of its answer. */
const ANSWER_MS = 30_000;
/** Of one answer: the longest are chains of certificates. */
const MOST_BYTES = 256 * 1024;
/** How often a request is sent whose nonce is refused: authorities forget nonces, and some refuse good ones to try clients. */
const MOST_TRIES = 6;
const MOST_NONCES = 8;

/** Problems that have nothing to do with a host name. */
const OF_AUTHORITY: ReadonlySet<string | undefined> = new Set([
  ...["accountDoesNotExist", "badNonce", "badPublicKey", "badSignatureAlgorithm", "externalAccountRequired"],
  ...["invalidContact", "serverInternal", "unsupportedContact", "userActionRequired"],
]);

/** Where an authority is asked for what (RFC 8555 section 7.1.1, RFC 9773 section 3). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo: string | undefined;
  readonly externalAccountRequired: boolean;
}

/** Who signs a request: a key, and how the authority knows it. */
export interface Signer {
  readonly key: CryptoKey;
  /** The URL of the account; the key itself while there is none. */
  readonly known: { readonly kid: string } | { readonly jwk: JWK };
}

/** An answer of the authority with a status 2xx. */
export interface AcmeAnswer {
  readonly url: string;
  readonly type: string;
  readonly text: string;
  readonly location: string | undefined;
  /** Milliseconds that `Retry-After` asks for; 0 for none. */
  readonly askedMs: number;
}

/** Sends signed requests to the authority of a directory (RFC 8555 section 6). */
export class AcmeClient {
  readonly #plan: Pick<AcmePlan, "directory" | "ca">;
  readonly #platform: Platform;
  readonly #agent: string;
  readonly #closing: AbortSignal;
  readonly #nonces: string[] = [];
  #directory: Promise<Directory> | undefined = undefined;

  /** @param agent who asks, for User-Agent @param closing ends what is under way */
  constructor(plan: Pick<AcmePlan, "directory" | "ca">, platform: Platform, agent: string, closing: AbortSignal) {
    this.#plan = plan;
    this.#platform = platform;
    this.#agent = agent;
    this.#closing = closing;
  }

  /** Asked for once. @throws AcmeFailure */
  directory(): Promise<Directory> {
    return (this.#directory ??= this.#readDirectory());
  }

  async #readDirectory(): Promise<Directory> {
    const answer = await this.get(this.#plan.directory);
    const object = objectIn(answer);
    const meta = Object(object["meta"]) as Record<string, unknown>;
    const urlOf = (name: string): string => this.#urlIn(object, name, answer);
    return {
      newNonce: urlOf("newNonce"),
      newAccount: urlOf("newAccount"),
      newOrder: urlOf("newOrder"),
      renewalInfo: object["renewalInfo"] === undefined ? undefined : urlOf("renewalInfo"),
      externalAccountRequired: meta["externalAccountRequired"] === true,
    };
  }

  #urlIn(object: Record<string, unknown>, name: string, { url }: AcmeAnswer): string {
    const found = object[name];
    if (typeof found === "string" && isSafeUrl(found, this.#plan.directory)) return found;
    throw new AcmeFailure(`${url}: it names no ${name} that is https`, { of: "authority" });
  }

  /** What anybody may ask. @throws AcmeFailure */
  get(url: string): Promise<AcmeAnswer> {
    return this.#ask(url, { method: "GET", headers: { accept: "application/json" } });
  }

  /**
   * Sends a signed object; undefined asks for what is there (POST-as-GET). A nonce that is refused is replaced, and the
   * request sent again. @throws AcmeFailure
   */
  async post(
    url: string,
    payload: object | undefined,
    signer: Signer,
    accept = "application/json",
  ): Promise<AcmeAnswer> {
    const content = new TextEncoder().encode(payload === undefined ? "" : JSON.stringify(payload));
    for (let tries = 1; ; tries++) {
      const nonce = this.#nonces.pop() ?? (await this.#freshNonce());
      const signed = await new FlattenedSign(content)
        .setProtectedHeader({ alg: "ES256", nonce, url, ...signer.known })
        .sign(signer.key);
      const headers = { "content-type": "application/jose+json", accept };
      try {
        return await this.#ask(url, { method: "POST", headers, body: JSON.stringify(signed) });
      } catch (thrown) {
        if (!(thrown instanceof AcmeFailure) || thrown.type !== "badNonce" || tries === MOST_TRIES) throw thrown;
      }
    }
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    await this.#ask(newNonce, { method: "HEAD", headers: {} });
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new AcmeFailure(`${newNonce}: it gives no nonce`, { of: "authority" });
    return nonce;
  }

  async #ask(
    url: string,
    { headers, ...how }: { method: string; headers: object; body?: string },
  ): Promise<AcmeAnswer> {
    const { directory, ca } = this.#plan;
    if (!URL.canParse(url) || !isSafeUrl(url, directory)) {
      throw new AcmeFailure(`${shown(url)}: the authority names a URL that is not https`, { of: "authority" });
    }
    const { hostname, protocol } = new URL(url);
    const tls: ClientTls | undefined =
      ca === undefined || protocol === "http:"
        ? undefined
        : { serverName: hostname.replace(/^\[|\]$/g, ""), ca, cert: undefined, key: undefined, verify: true };
    let response: Response;
    let text: string;
    try {
      [response, text] = await inTime(this.#platform, ANSWER_MS, this.#closing, async (signal) => {
        const always = { "accept-encoding": "identity", "accept-language": "en", "user-agent": this.#agent };
        const request = new Request(url, { ...how, headers: { ...always, ...headers }, redirect: "manual", signal });
        const answered = await this.#platform.fetch(request, { http2: false, tls });
        return [answered, await boundedText(answered, MOST_BYTES)];
      });
    } catch (thrown) {
      const why = thrown instanceof FetchFailure ? thrown.message : reasonOf(thrown);
      throw new AcmeFailure(`${url}: ${shown(why)}`, { of: "authority" });
    }
    const nonce = response.headers.get("replay-nonce");
    if (nonce !== null && /^[A-Za-z0-9_-]{1,256}$/.test(nonce) && this.#nonces.length < MOST_NONCES) {
      this.#nonces.push(nonce);
    }
    const askedMs = retryAfterMs(response.headers.get("retry-after") ?? undefined, this.#platform.wallClock());
    const type = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    if (!response.ok) throw refusal(url, response.status, type, text, askedMs);
    return { url, type, text, location: response.headers.get("location") ?? undefined, askedMs };
  }
}

/** What an answer holds. @throws AcmeFailure for what is no JSON object */
export function objectIn({ url, type, text }: AcmeAnswer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (type === "application/json" && typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // It is told below.
  }
  throw new AcmeFailure(`${url}: the answer is no JSON object (${shown(type) || "no content type"})`, {
    of: "authority",
  });
}

/** A problem document as a failure, or an answer that is none. */
function refusal(url: string, status: number, contentType: string, text: string, askedMs: number): AcmeFailure {
  const problem = contentType === "application/problem+json" ? problemIn(text) : undefined;
  const unable = status >= 500 || status < 400 || OF_AUTHORITY.has(problem?.type);
  const facts: FailureFacts = { of: unable || problem === undefined ? "authority" : "domain", askedMs };
  if (problem !== undefined) return new AcmeFailure(problem.words, { ...facts, type: problem.type });
  const redirect = status >= 300 && status < 400 ? ": a redirect, which is not followed" : "";
  return new AcmeFailure(`${url}: it answered ${status}${redirect}`, facts);
}

const NAMESPACE = "urn:ietf:params:acme:error:";
const MOST_PARTS = 5;

/** A problem in words: its detail and type, and those of its parts (RFC 8555 sections 6.7 and 6.7.1). */
export function problemWords(problem: unknown): { readonly words: string; readonly type: string | undefined } {
  const { type, detail, subproblems } = Object(problem) as Record<string, unknown>;
  const name = typeof type === "string" && type.startsWith(NAMESPACE) ? shown(type.slice(NAMESPACE.length)) : undefined;
  const parts = Array.isArray(subproblems) ? subproblems.slice(0, MOST_PARTS) : [];
  const own = typeof detail === "string" ? shown(detail) : "the authority says no more";
  const words = [own, ...parts.map((part) => problemWords({ ...Object(part), subproblems: [] }).words)].join("; ");
  return { words: name === undefined ? words : `${words} (${name})`, type: name };
}

function problemIn(text: string): ReturnType<typeof problemWords> | undefined {
  try {
    return problemWords(JSON.parse(text));
  } catch {
    return undefined;
  }
}
