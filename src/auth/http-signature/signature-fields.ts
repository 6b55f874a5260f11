// Signature-Input and Signature: what stands in them (RFC 9421 section 4).
import { type Dictionary, type InnerList, parseDictionary } from "structured-headers";
import type { HttpSignaturePlan } from "../../config/auth/http-signature.ts";
import { messageOf } from "../../errors.ts";

/** Most signatures of one request that are looked at. */
const MOST_SIGNATURES = 4;

/** One signature of a request. */
export interface Signature {
  readonly label: string;
  readonly input: InnerList;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Section 4: both dictionaries have a member of the same label. A sentence when they do not fit. */
export function readSignatures(
  inputs: string,
  signatures: string | undefined,
  { label, tag }: HttpSignaturePlan,
): readonly Signature[] | string {
  if (signatures === undefined) return "Signature-Input comes without Signature";
  let stated: Dictionary;
  let given: Dictionary;
  try {
    stated = parseDictionary(inputs);
    given = parseDictionary(signatures);
  } catch (error) {
    return `Signature-Input or Signature is no dictionary: ${messageOf(error)}`;
  }
  const found: Signature[] = [];
  for (const [each, input] of stated) {
    if (label !== undefined && each !== label) continue;
    if (!Array.isArray(input[0])) return `Signature-Input ${each} is no inner list`;
    const list = input as InnerList;
    if (tag !== undefined && list[1].get("tag") !== tag) continue;
    const value = given.get(each)?.[0];
    if (!(value instanceof ArrayBuffer)) return `Signature has no byte sequence ${each}`;
    found.push({ label: each, input: list, signature: new Uint8Array(value) });
  }
  return found.length > MOST_SIGNATURES ? `over ${MOST_SIGNATURES} signatures` : found;
}

/** The parameters of a signature that are known here (section 2.3). Times in seconds. */
export interface SignatureParameters {
  readonly keyid: string;
  readonly created: number;
  readonly expires: number | undefined;
  readonly nonce: string | undefined;
  readonly alg: string | undefined;
}

/** Longest nonce, in characters. */
const LONGEST_NONCE = 256;

/** Reads the parameters; a sentence when they are not what they must be. */
export function readParameters([, given]: InnerList): SignatureParameters | string {
  const { keyid, created, expires, nonce, alg } = Object.fromEntries(given);
  if (typeof keyid !== "string") return "it has no keyid";
  if (!Number.isInteger(created)) return "it has no created";
  if (expires !== undefined && !Number.isInteger(expires)) return "expires is no whole number";
  for (const [name, text] of [
    ["nonce", nonce],
    ["alg", alg],
  ] as const) {
    if (text !== undefined && typeof text !== "string") return `${name} is no string`;
  }
  if (nonce !== undefined && (nonce as string).length > LONGEST_NONCE)
    return `the nonce has over ${LONGEST_NONCE} characters`;
  return { keyid, created, expires, nonce, alg } as SignatureParameters;
}
