// What may stand for a key, its expiry, its name and a group, wherever it is written.

/** The stored form of a key: its SHA-256, in any case. */
export const KEY_HASH = /^sha256:([0-9a-f]{64})$/i;

/** The owner's own name for a key. */
export const KEY_ID = /^[\w.-]{1,64}$/;

/** The name of a group: it stands in logs. */
export const GROUP_NAME = /^[\w.:@/-]{1,64}$/;

/** The name of a consumer, as of all that a config names. */
export const CONSUMER_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** SHA-256 of an empty text: what a script stores whose variable was empty (case GW-50). */
export const HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const EXPIRY = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;
const DAY_MS = 86_400_000;

/**
 * When a key ceases to be good, in milliseconds since the epoch: a time by RFC 3339, or a date, whose end in UTC it is.
 * Undefined for anything else.
 */
export function expiryOf(written: string): number | undefined {
  const [, date, time] = EXPIRY.exec(written) ?? [];
  if (date === undefined) return undefined;
  const day = Date.parse(`${date}T00:00:00Z`);
  // Some runtimes take the 30th of February for the 2nd of March.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) return undefined;
  if (time === undefined) return day + DAY_MS;
  const at = Date.parse(written);
  return Number.isNaN(at) ? undefined : at;
}
