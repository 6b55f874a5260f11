// The form of the keys that `sluice keys new` makes: secret scanners find them, and a typo shows without any look-up.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Digits of the random part: 22 of base 62 hold 130 bits. */
const RANDOM_DIGITS = 22;
const CHECK_DIGITS = 6;

/** `<prefix>_<22 digits>_<6 digits>`, for secret scanners too. */
const FORM = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*_[0-9A-Za-z]{22}_[0-9A-Za-z]{6}$/;

/** What may stand before the random part: `sk`, `acme_live`. */
export const KEY_PREFIX = /^(?=.{1,24}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;

/**
 * A key of this form. `random` gives that many bytes that nobody can foresee.
 * @param prefix matches {@link KEY_PREFIX}
 */
export function newKey(prefix: string, random: (bytes: number) => Uint8Array): string {
  let digits = "";
  while (digits.length < RANDOM_DIGITS) {
    for (const byte of random(RANDOM_DIGITS)) {
      // 248 is the greatest multiple of 62 in a byte: all digits are equally likely.
      if (byte < 248 && digits.length < RANDOM_DIGITS) digits += DIGITS[byte % 62]!;
    }
  }
  return `${prefix}_${digits}_${checkDigits(`${prefix}_${digits}`)}`;
}

/** Whether the checksum of a key is right; undefined when it has another form: keys of other makers have none. */
export function checksumHolds(key: string): boolean | undefined {
  if (!FORM.test(key)) return undefined;
  return checkDigits(key.slice(0, -CHECK_DIGITS - 1)) === key.slice(-CHECK_DIGITS);
}

/** CRC-32 of the text before the last "_", in base 62, with zeros in front. */
function checkDigits(text: string): string {
  let digits = "";
  for (let rest = crc32(text); digits.length < CHECK_DIGITS; rest = Math.floor(rest / 62)) {
    digits = DIGITS[rest % 62]! + digits;
  }
  return digits;
}

const CRC_OF_BYTE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 as in gzip (RFC 1952 section 8), of ASCII text. Of other text it is a number by which texts differ. */
export function crc32(text: string): number {
  let crc = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    crc = CRC_OF_BYTE[(crc ^ code) & 0xff]! ^ (crc >>> 8);
    if (code > 0xff) crc = CRC_OF_BYTE[(crc ^ (code >> 8)) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
