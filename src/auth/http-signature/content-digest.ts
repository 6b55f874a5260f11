// Content-Digest: whether the content is what its sender says (RFC 9530 section 2).
import { parseDictionary } from "structured-headers";
import type { Fields } from "../../http/fields.ts";

/** What a Content-Digest says of content. */
export interface StatedDigest {
  readonly algorithm: "SHA-256" | "SHA-512";
  readonly digest: Uint8Array;
}

const ALGORITHMS: Readonly<Record<string, StatedDigest["algorithm"]>> = { "sha-256": "SHA-256", "sha-512": "SHA-512" };

/** The digests of the algorithms that are known here; a sentence when there are none, or when they cannot be read. */
export function statedDigests(fields: Fields): readonly StatedDigest[] | string {
  const value = fields.joined("content-digest") ?? "";
  const found: StatedDigest[] = [];
  try {
    for (const [key, [digest]] of parseDictionary(value)) {
      const algorithm = Object.hasOwn(ALGORITHMS, key) ? ALGORITHMS[key] : undefined;
      if (algorithm === undefined) continue;
      if (!(digest instanceof ArrayBuffer)) return `the Content-Digest ${key} is no byte sequence`;
      found.push({ algorithm, digest: new Uint8Array(digest) });
    }
  } catch {
    return "Content-Digest is no dictionary";
  }
  return found.length === 0 ? "Content-Digest has neither sha-256 nor sha-512" : found;
}

/** Whether all of the digests are those of the content. */
export async function digestsFit(
  digests: readonly StatedDigest[],
  content: Uint8Array,
  subtle: SubtleCrypto,
): Promise<boolean> {
  for (const { algorithm, digest } of digests) {
    const actual = new Uint8Array(await subtle.digest(algorithm, content as Uint8Array<ArrayBuffer>));
    if (actual.length !== digest.length || actual.some((byte, i) => byte !== digest[i])) return false;
  }
  return true;
}
