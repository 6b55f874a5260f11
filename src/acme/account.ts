// The account at an authority: found where it was kept, or made (RFC 8555 section 7.3).
import { calculateJwkThumbprint, exportJWK, FlattenedSign, type JWK } from "jose";
import type { AcmePlan } from "../config/listen/plan.ts";
import type { AcmeClient, Signer } from "./client.ts";
import { AcmeFailure } from "./failure.ts";
import { importPrivateJwk, newKeys } from "./keys.ts";
import { objectIn } from "./client.ts";

/** An account that may ask for certificates. */
export interface Account extends Signer {
  /** Of its key (RFC 7638): it goes into the answers to challenges. */
  readonly thumbprint: string;
}

/** An ACME account (RFC 8555 section 7.1.2), as `account.json` holds it. */
export interface KeptAccount {
  /** The account's private key. */
  readonly key: JsonWebKey;
  /** Undefined until the authority has told it. */
  readonly url?: string | undefined;
  readonly contact: readonly string[];
  /** The `kid` of the external account that it is bound to. */
  readonly boundTo?: string | undefined;
}

/** Where an account is kept; {@link AcmeStorage} is one. */
export interface AccountPlace {
  load(): KeptAccount | undefined;
  save(account: KeptAccount): Promise<void>;
}

/** The account of a plan. @throws AcmeFailure of the authority */
export async function openAccount(
  client: AcmeClient,
  plan: AcmePlan,
  place: AccountPlace,
  subtle: SubtleCrypto,
): Promise<Account> {
  const { contact, externalAccount } = plan;
  const before = place.load();
  const known = before && (await importPrivateJwk(subtle, before.key).catch(() => undefined));
  // One that is bound to another external account, or whose key cannot be read, is of no use: there will be a new one.
  const isOurs = known !== undefined && before!.boundTo === externalAccount?.kid;
  const kept = isOurs ? before! : await fresh(plan, subtle);
  const key = isOurs ? known : await importPrivateJwk(subtle, kept.key);
  const jwk = await publicJwk(key);
  const accountAt = async (url: string): Promise<Account> => {
    return { key, known: { kid: url }, thumbprint: await calculateJwkThumbprint(jwk) };
  };
  try {
    if (kept.url !== undefined) {
      const account = await accountAt(kept.url);
      if (isSameList(kept.contact, contact)) return account;
      await client.post(kept.url, { contact }, account);
      await place.save({ ...kept, contact });
      return account;
    }
    // Before anybody knows it: an account whose key is lost is of no use.
    await place.save(kept);
    const { newAccount, externalAccountRequired } = await client.directory();
    if (externalAccountRequired && externalAccount === undefined) {
      throw new AcmeFailure("the authority asks for an external account: write listen.tls.acme.externalAccount", {
        of: "authority",
      });
    }
    const binding = externalAccount && { externalAccountBinding: await bindingOf(externalAccount, jwk, newAccount) };
    const wanted = { termsOfServiceAgreed: true, ...(contact.length > 0 && { contact }), ...binding };
    const answer = await client.post(newAccount, wanted, { key, known: { jwk } });
    const { status } = objectIn(answer);
    if (answer.location === undefined || status !== "valid") {
      throw new AcmeFailure(`${newAccount}: the account is ${String(status)}, and cannot be used`, { of: "authority" });
    }
    await place.save({ ...kept, contact, url: answer.location });
    return await accountAt(answer.location);
  } catch (thrown) {
    throw thrown instanceof AcmeFailure ? ofAccount(thrown) : thrown;
  }
}

/** Forgets what the authority does not know any more: the next account has the same key. */
export async function forgetAccount(place: AccountPlace): Promise<void> {
  const kept = place.load();
  if (kept !== undefined) await place.save({ ...kept, url: undefined });
}

function ofAccount({ message, type, askedMs }: AcmeFailure): AcmeFailure {
  return new AcmeFailure(`no account: ${message}`, { of: "authority", type, askedMs });
}

async function fresh({ contact, externalAccount }: AcmePlan, subtle: SubtleCrypto): Promise<KeptAccount> {
  const { privateKey } = await newKeys(subtle);
  return { key: await subtle.exportKey("jwk", privateKey), contact, boundTo: externalAccount?.kid };
}

async function publicJwk(key: CryptoKey): Promise<JWK> {
  const { kty, crv, x, y } = await exportJWK(key);
  return { kty, crv, x, y } as JWK;
}

/** The key of the account, signed with the one that the authority has handed out (RFC 8555 section 7.3.4). */
function bindingOf({ kid, hmacKey }: NonNullable<AcmePlan["externalAccount"]>, jwk: JWK, url: string): Promise<object> {
  return new FlattenedSign(new TextEncoder().encode(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: "HS256", kid, url })
    .sign(Uint8Array.fromBase64(hmacKey.reveal(), { alphabet: "base64url" }));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
