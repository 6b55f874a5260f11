// An authority that speaks ACME, in memory: strict with what it is asked (RFC 8555), and as badly behaved as a test wants it.
import { calculateJwkThumbprint, flattenedVerify, importJWK, type FlattenedJWS, type JWK } from "jose";
import { decode, encode, oid, TAG, unsigned } from "../../src/acme/der.ts";
import { toPem } from "../../src/acme/pem.ts";
import type { IssuedState } from "../../src/issued.ts";

const ECDSA_WITH_SHA256 = encode(TAG.sequence, oid("1.2.840.10045.4.3.2"));
const KEY_IDENTIFIER = Uint8Array.from({ length: 20 }, (_, i) => i);
const BASE = "https://ca.test/";

/** An order as it was asked for. */
export interface FakeOrder {
  readonly domain: string;
  readonly replaces: string | undefined;
}

/** An order as the authority keeps it. */
interface MadeOrder {
  readonly order: FakeOrder;
  readonly token: string;
  readonly account: JWK;
  state: string;
  looks: number;
  csr?: Uint8Array;
}

/** What a test may put in the place of an answer. */
export type Instead = (path: string, payload: Record<string, unknown>) => Response | Promise<Response> | undefined;

/** The authority. */
export class FakeAuthority {
  readonly directory = `${BASE}dir`;
  /** Paths that were asked for, in order: "POST order". */
  readonly asked: string[] = [];
  readonly orders: FakeOrder[] = [];
  /** Answers that are not whole yet. */
  busy = 0;
  /** Nonces of so many requests to come are refused, good as they are. */
  refusesNonces = 0;
  /** How far its clock is behind that of the platform. */
  clockBehindMs = 0;
  lifetimeMs = 90 * 24 * 3600 * 1000;
  /** External accounts: keys by identifier. */
  bindings: Readonly<Record<string, string>> | undefined = undefined;
  /** How often it has not decided yet when it is asked. */
  looks = 0;
  /** Retry-After while it has not decided. */
  retryAfter: string | undefined = undefined;
  /** What it says of when to renew; undefined: it has no such thing. */
  window: { start: string; end: string; retryAfter?: string; explanationURL?: string } | undefined = undefined;
  instead: Instead = () => undefined;
  /** The contacts of its accounts, by URL. */
  readonly contacts = new Map<string, unknown>();
  readonly #clock: () => number;
  readonly #state: () => IssuedState;
  readonly #keys: Promise<CryptoKeyPair>;
  readonly #accounts = new Map<string, JWK>();
  readonly #nonces = new Set<string>();
  readonly #made: MadeOrder[] = [];
  #count = 0;

  /** @param clock milliseconds since the epoch @param state what whoever listens would answer now */
  constructor(clock: () => number, state: () => IssuedState) {
    this.#clock = clock;
    this.#state = state;
    this.#keys = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  }

  /** It forgets who has an account. */
  forget(): void {
    this.#accounts.clear();
  }

  /** In the place of the platform's fetch. */
  readonly fetch = async (request: Request): Promise<Response> => {
    this.busy++;
    try {
      const response = await this.#answer(request);
      const nonce = `nonce-${++this.#count}`;
      this.#nonces.add(nonce);
      response.headers.set("replay-nonce", nonce);
      return response;
    } finally {
      this.busy--;
    }
  };

  async #answer(request: Request): Promise<Response> {
    const path = request.url.slice(BASE.length);
    this.asked.push(`${request.method} ${path}`);
    if (request.method !== "POST") {
      const instead = this.instead(path, {});
      if (instead !== undefined) return instead;
      return path === "dir" ? this.#showDirectory() : path.startsWith("renewal/") ? this.#showWindow() : new Response();
    }
    if (request.headers.get("content-type") !== "application/jose+json") return problem(415, "malformed", "no JOSE");
    const jws = (await request.json()) as FlattenedJWS;
    const header = JSON.parse(Buffer.from(jws.protected!, "base64url").toString()) as Record<string, unknown>;
    const jwk = (header["jwk"] ?? this.#accounts.get(String(header["kid"]))) as JWK | undefined;
    if (jwk === undefined) return problem(400, "accountDoesNotExist", "no such account");
    const { payload } = await flattenedVerify(jws, await importJWK(jwk, "ES256"));
    if (!this.#nonces.delete(String(header["nonce"])) || this.refusesNonces-- > 0) {
      return problem(400, "badNonce", "that nonce is no good");
    }
    this.refusesNonces = Math.max(0, this.refusesNonces);
    if (header["url"] !== request.url) return problem(400, "malformed", "another URL was signed");
    const text = new TextDecoder().decode(payload);
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    return this.instead(path, body) ?? this.#serve(path, body, jwk, String(header["kid"]), text === "");
  }

  #showDirectory(): Response {
    const urls = { newNonce: `${BASE}nonce`, newAccount: `${BASE}account`, newOrder: `${BASE}order` };
    const meta = { externalAccountRequired: this.bindings !== undefined };
    return Response.json({ ...urls, meta, ...(this.window && { renewalInfo: `${BASE}renewal` }) });
  }

  #showWindow(): Response {
    const { retryAfter = "21600", explanationURL, ...suggestedWindow } = this.window!;
    return Response.json({ suggestedWindow, explanationURL }, { headers: { "retry-after": retryAfter } });
  }

  async #serve(path: string, body: Record<string, unknown>, jwk: JWK, kid: string, isLook: boolean): Promise<Response> {
    const [what, number] = path.split("/");
    if (what === "account") return this.#account(path, body, jwk, kid);
    if (path === "order") return this.#order(body, jwk);
    const made = this.#made[Number(number)]!;
    if (what === "challenge" && !isLook) {
      made.state = "processing";
      return Response.json({
        type: "http-01",
        status: "processing",
        url: `${BASE}challenge/${number}`,
        token: made.token,
      });
    }
    if (what === "authorization") return this.#authorization(made, number!);
    if (what === "finalize") {
      made.csr = Uint8Array.fromBase64(String(body["csr"]), { alphabet: "base64url" });
      made.looks = this.looks;
      return this.#showOrder(made, number!);
    }
    if (what === "certificate") {
      const pem = await this.#certificate(made.csr!, made.order.domain);
      return new Response(pem, { headers: { "content-type": "application/pem-certificate-chain" } });
    }
    return this.#showOrder(made, number!);
  }

  async #account(path: string, body: Record<string, unknown>, jwk: JWK, kid: string): Promise<Response> {
    if (path !== "account") {
      this.contacts.set(kid, body["contact"]);
      return Response.json({ status: "valid" });
    }
    if (body["termsOfServiceAgreed"] !== true) return problem(403, "userActionRequired", "agree to the terms");
    if (this.bindings !== undefined && !(await this.#isBound(body, jwk))) {
      return problem(403, "unauthorized", "that external account is unknown");
    }
    const url = `${BASE}account/${await calculateJwkThumbprint(jwk)}`;
    this.#accounts.set(url, jwk);
    this.contacts.set(url, body["contact"]);
    return Response.json({ status: "valid" }, { status: 201, headers: { location: url } });
  }

  async #isBound(body: Record<string, unknown>, jwk: JWK): Promise<boolean> {
    const binding = body["externalAccountBinding"] as FlattenedJWS;
    const { kid, url } = JSON.parse(Buffer.from(binding.protected!, "base64url").toString()) as Record<string, string>;
    const key = this.bindings![kid!];
    if (key === undefined || url !== `${BASE}account`) return false;
    const { payload } = await flattenedVerify(binding, Buffer.from(key, "base64url"));
    return Bun.deepEquals(JSON.parse(new TextDecoder().decode(payload)), jwk);
  }

  #order(body: Record<string, unknown>, account: JWK): Response {
    const [identifier] = body["identifiers"] as { type: string; value: string }[];
    const order = { domain: identifier!.value, replaces: body["replaces"] as string | undefined };
    this.orders.push(order);
    const number = this.#made.length;
    const token = `token-of-order-${number}-${"x".repeat(20)}`;
    this.#made.push({ order, token, state: "pending", looks: this.looks, account });
    return this.#showOrder(this.#made[number]!, `${number}`, 201);
  }

  #showOrder(made: MadeOrder, number: string, status = 200): Response {
    const isReady = made.state === "valid";
    const isDone = made.csr !== undefined && made.looks-- <= 0;
    const state = isDone ? "valid" : made.csr !== undefined ? "processing" : isReady ? "ready" : made.state;
    const shown = state === "processing" && made.csr === undefined ? "pending" : state;
    const retry = this.retryAfter === undefined ? {} : { "retry-after": this.retryAfter };
    const body = {
      status: shown,
      authorizations: [`${BASE}authorization/${number}`],
      finalize: `${BASE}finalize/${number}`,
      ...(isDone && { certificate: `${BASE}certificate/${number}` }),
    };
    return Response.json(body, { status, headers: { location: `${BASE}order/${number}`, ...retry } });
  }

  async #authorization(made: MadeOrder, number: string): Promise<Response> {
    let error: object | undefined;
    if (made.state === "processing" && made.looks-- <= 0) {
      const wanted = `${made.token}.${await calculateJwkThumbprint(made.account)}`;
      made.state = this.#state().answers.get(made.token) === wanted ? "valid" : "invalid";
    }
    if (made.state === "invalid")
      error = { type: "urn:ietf:params:acme:error:unauthorized", detail: "not what was asked" };
    const status = made.state === "processing" ? "pending" : made.state;
    const http = { type: "http-01", url: `${BASE}challenge/${number}`, token: made.token, status, error };
    const challenges = [{ type: "dns-01", url: `${BASE}x`, token: "y" }, http];
    return Response.json({ status, identifier: { type: "dns", value: made.order.domain }, challenges });
  }

  /** A certificate for the key of a request. */
  async #certificate(csr: Uint8Array, domain: string): Promise<string> {
    const [info] = decode(decode(csr)[0]!.content);
    const spki = decode(info!.content)[2]!;
    const begins = this.#clock() - this.clockBehindMs;
    return this.certificate(domain, encode(spki.tag, spki.content), begins, begins + this.lifetimeMs);
  }

  /** A certificate for a public key (SPKI), with the authority's key identifier. */
  async certificate(domain: string, spki: Uint8Array, notBefore: number, notAfter: number): Promise<string> {
    const text = (tag: number, value: string): Uint8Array => encode(tag, new TextEncoder().encode(value));
    const time = (ms: number): Uint8Array => text(0x18, new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ""));
    const issuer = encode(0x30, encode(0x31, encode(0x30, oid("2.5.4.3"), text(0x0c, "Fake"))));
    const extension = (id: string, value: Uint8Array): Uint8Array => encode(0x30, oid(id), encode(0x04, value));
    const extensions = encode(
      0x30,
      extension("2.5.29.17", encode(0x30, text(0x82, domain))),
      extension("2.5.29.35", encode(0x30, encode(0x80, KEY_IDENTIFIER))),
    );
    const body = encode(
      0x30,
      encode(0xa0, unsigned(Uint8Array.of(2))),
      unsigned(Uint8Array.of(1, ++this.#count >> 8, this.#count & 0xff)),
      ECDSA_WITH_SHA256,
      issuer,
      encode(0x30, time(notBefore), time(notAfter)),
      encode(0x30),
      spki,
      encode(0xa3, extensions),
    );
    const { privateKey } = await this.#keys;
    const how = { name: "ECDSA", hash: "SHA-256" };
    const raw = new Uint8Array(await crypto.subtle.sign(how, privateKey, body as Uint8Array<ArrayBuffer>));
    const signature = encode(0x30, unsigned(raw.subarray(0, 32)), unsigned(raw.subarray(32)));
    return toPem("CERTIFICATE", encode(0x30, body, ECDSA_WITH_SHA256, encode(0x03, Uint8Array.of(0), signature)));
  }
}

/** A problem document of ACME. */
export function problem(status: number, type: string, detail: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
