// An order: from a host name to its certificate (RFC 8555 section 7.4).
import type { Platform } from "../platform.ts";
import type { Account } from "./account.ts";
import { type AcmeAnswer, type AcmeClient, objectIn, problemWords } from "./client.ts";
import { certificateRequest } from "./csr.ts";
import { AcmeFailure, shown } from "./failure.ts";
import { newKeys, privateKeyPem } from "./keys.ts";
import { pause } from "./pause.ts";

/** How long an authority may take to check a host, and to issue. */
const PATIENCE_MS = 5 * 60_000;
/** Between two looks, where the authority says nothing of it: longer each time. */
const LEAST_LOOK_MS = 500;
const MOST_LOOK_MS = 10_000;

/** What {@link obtain} needs of its surroundings. */
export interface OrderSurroundings {
  readonly client: AcmeClient;
  readonly account: Account;
  readonly platform: Platform;
  readonly closing: AbortSignal;
  /** Has requests for this token answered with this text; resolves once they would be, to a function that stops it. */
  answer(token: string, text: string): Promise<() => Promise<void>>;
}

/** A certificate and its key, in PEM. */
export interface Obtained {
  /** The certificate, and behind it those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
}

/**
 * Obtains a certificate for a host name, with a key of its own.
 * @param replaces the certificate that it takes the place of, as the authority knows it (RFC 9773 section 5)
 * @throws AcmeFailure
 */
export async function obtain(domain: string, replaces: string | undefined, by: OrderSurroundings): Promise<Obtained> {
  const { client, account, platform } = by;
  const order = await newOrder(domain, replaces, by);
  const url = order.location;
  if (url === undefined) throw new AcmeFailure(`${order.url}: the order has no URL`, { of: "authority" });
  const { authorizations, finalize } = objectIn(order);
  for (const authorization of listOf(authorizations, order)) await authorize(authorization, by);
  const ready = await settled(url, undefined, ["pending"], by);
  if (ready["status"] === "ready") {
    const keys = await newKeys(platform.subtle);
    const csr = await certificateRequest([domain], keys, platform.subtle);
    const asked = { csr: csr.toBase64({ alphabet: "base64url", omitPadding: true }) };
    const [where] = listOf([finalize], order);
    const finalized = await client.post(where!, asked, account);
    const { status, certificate, error } = await settled(url, finalized, ["processing", "ready"], by);
    if (status !== "valid") throw refused(`the order is ${shown(status)}`, error);
    const [place] = listOf([certificate], finalized);
    const { text, type } = await client.post(place!, undefined, account, CHAIN);
    if (type !== CHAIN)
      throw new AcmeFailure(`${place}: it is ${shown(type)}, and no certificate`, { of: "authority" });
    return { cert: text, key: await privateKeyPem(platform.subtle, keys) };
  }
  throw refused(`the order is ${shown(ready["status"])}`, ready["error"]);
}

const CHAIN = "application/pem-certificate-chain";

async function newOrder(
  domain: string,
  replaces: string | undefined,
  { client, account }: OrderSurroundings,
): Promise<AcmeAnswer> {
  const { newOrder, renewalInfo } = await client.directory();
  const identifiers = [{ type: "dns", value: domain }];
  const renewing = renewalInfo === undefined ? undefined : replaces;
  try {
    return await client.post(newOrder, { identifiers, ...(renewing && { replaces: renewing }) }, account);
  } catch (thrown) {
    if (!(thrown instanceof AcmeFailure) || thrown.type !== "alreadyReplaced") throw thrown;
    return client.post(newOrder, { identifiers }, account);
  }
}

/** Shows the authority that a host is ours, unless it knows it. */
async function authorize(url: string, by: OrderSurroundings): Promise<void> {
  const { client, account } = by;
  const first = await client.post(url, undefined, account);
  const { status, challenges } = objectIn(first);
  if (status === "valid") return;
  const offered = (Array.isArray(challenges) ? challenges : []).map((each) => Object(each) as Record<string, unknown>);
  const challenge = offered.find(({ type }) => type === "http-01");
  const token = challenge?.["token"];
  if (status !== "pending" || typeof token !== "string" || !/^[A-Za-z0-9_-]{16,256}$/.test(token)) {
    throw new AcmeFailure(`the authority offers no http-01 challenge (${shown(status)})`, { of: "domain" });
  }
  const [where] = listOf([challenge!["url"]], first);
  const end = await by.answer(token, `${token}.${account.thumbprint}`);
  try {
    await client.post(where!, {}, account);
    const done = await settled(url, undefined, ["pending"], by);
    if (done["status"] === "valid") return;
    const failed = (Array.isArray(done["challenges"]) ? done["challenges"] : []).map((each) => Object(each) as object);
    const error = failed.flatMap((each) => ("error" in each ? [each.error] : []))[0];
    throw refused("the authority could not see that the host is ours", error);
  } finally {
    await end();
  }
}

/** Looks at an order or an authorization until it has none of these states any more. */
async function settled(
  url: string,
  known: AcmeAnswer | undefined,
  waiting: readonly string[],
  { client, account, platform, closing }: OrderSurroundings,
): Promise<Record<string, unknown>> {
  const until = platform.now() + PATIENCE_MS;
  let answer = known ?? (await client.post(url, undefined, account));
  for (let looks = 0; ; looks++) {
    const object = objectIn(answer);
    if (!waiting.includes(String(object["status"]))) return object;
    const left = until - platform.now();
    if (left <= 0) {
      const words = `the authority has not decided after ${PATIENCE_MS / 60_000} minutes (${shown(object["status"])})`;
      throw new AcmeFailure(words, { of: "domain" });
    }
    const ownMs = Math.min(MOST_LOOK_MS, LEAST_LOOK_MS * 2 ** looks);
    await pause(
      Math.min(left, Math.max(LEAST_LOOK_MS, answer.askedMs === 0 ? ownMs : answer.askedMs)),
      platform,
      closing,
    );
    answer = await client.post(url, undefined, account);
  }
}

function refused(words: string, error: unknown): AcmeFailure {
  if (error === undefined) return new AcmeFailure(words, { of: "domain" });
  const { words: why, type } = problemWords(error);
  return new AcmeFailure(`${words}: ${why}`, { of: "domain", type });
}

/** The texts of a list in an answer. */
function listOf(found: unknown, { url }: AcmeAnswer): string[] {
  if (Array.isArray(found) && found.length > 0 && found.length <= 100) {
    if (found.every((each): each is string => typeof each === "string")) return found;
  }
  throw new AcmeFailure(`${url}: the answer lacks a URL`, { of: "authority" });
}
