// The schema of consumers, and of what they prove themselves with.
import { Problem, type ConfigReader } from "../fault.ts";
import { named, either, isPlainObject, list, maybe, options, then, type Shape } from "../shape.ts";
import { hiddenText, text } from "../values.ts";
import type { ConsumerPlan, KeyPlan, KeysPlan } from "./plan.ts";

const A_GROUP = "the name of a group";

/** The name of a group: it stands in logs. */
export const groupName = text(A_GROUP, (name) =>
  /^[\w.:@/-]{1,64}$/.test(name)
    ? name
    : new Problem(A_GROUP, { hint: 'It has letters, digits and "_.:@/-", 64 at most.' }),
);

const A_HASH = 'the hash of an API key: "sha256:" and 64 hexadecimal digits';

/** Gives the 64 digits. The text is not shown: it may be the key itself. */
function keyHash(reader: ConfigReader): Shape<string> {
  return hiddenText(A_HASH, reader, ({ text }) => {
    const digits = /^sha256:([0-9a-f]{64})$/i.exec(text)?.[1];
    if (digits !== undefined) return digits.toLowerCase();
    return new Problem(A_HASH, { found: false, hint: "`sluice keys new` prints it beside a new key." });
  });
}

const A_TIME = 'a date or time such as "2027-01-31" or "2027-01-31T12:00:00Z"';

/** A time by RFC 3339, or a date, whose end it is, in UTC. Milliseconds since the epoch. */
export const expiry = text(A_TIME, (written) => {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(written);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(written);
  const at = Date.parse(isDate ? `${written}T00:00:00Z` : written);
  if ((!isDate && !isTime) || Number.isNaN(at)) return new Problem(A_TIME);
  if (new Date(at).toISOString().slice(8, 10) !== written.slice(8, 10) && isDate) return new Problem(A_TIME);
  return isDate ? at + 86_400_000 : at;
});

const A_KEY_ID = "a short name for a key";

function keyShape(reader: ConfigReader): Shape<KeyPlan> {
  const id = text(A_KEY_ID, (name) => (/^[\w.-]{1,64}$/.test(name) ? name : new Problem(A_KEY_ID)));
  const full = then(
    options({ hash: keyHash(reader), expires: maybe(expiry), id: maybe(id) }),
    ({ hash, expires, id }) => ({ hash, expiresAt: expires, id: id ?? hash.slice(0, 8) }),
  );
  const short = then(keyHash(reader), (hash) => ({ hash, expiresAt: undefined, id: hash.slice(0, 8) }));
  return either(isPlainObject, full, short);
}

/** A consumer. `schemes` are the names of the config's schemes. */
export function consumersShape(
  schemes: readonly string[],
  reader: ConfigReader,
  nameProblem: (name: string) => Problem | undefined,
): Shape<readonly ConsumerPlan[]> {
  const subject = text("a subject", (written) => (written === "" ? new Problem("a subject") : written));
  const subjects = named(list(subject, "a list of subjects"), "an object of lists by scheme", (name) => {
    const hint = `Schemes: ${schemes.join(", ")}.`;
    return schemes.includes(name) ? undefined : new Problem("a scheme of auth", { hint, nearest: [name, schemes] });
  });
  const consumer = options({
    groups: maybe(list(groupName, "a list of groups")),
    keys: maybe(list(keyShape(reader), "a list of API keys, each as its hash")),
    subjects: maybe(subjects),
  });
  const all = named(consumer, "an object of consumers by name", nameProblem);
  return then(all, (entries) =>
    entries.map(([name, { groups = [], keys = [], subjects = [] }]) => ({
      consumer: Object.freeze({ name, groups: Object.freeze([...groups]) }),
      keys,
      subjects: Object.fromEntries(subjects),
    })),
  );
}

const A_FILE = "the path of a YAML file of keys";

/** The file of more keys. */
export function keysShape(reader: ConfigReader): Shape<KeysPlan> {
  const file = text(A_FILE, (written) => {
    const path = reader.locate?.(written);
    if (path === undefined) return new Problem(A_FILE, { hint: "This runtime has no files." });
    const content = reader.file(written);
    return content === undefined ? new Problem(A_FILE, { hint: "No such file can be read." }) : { path, text: content };
  });
  return then(options({ file, groups: maybe(list(groupName, "a list of groups")) }), ({ file, groups = [] }) => ({
    ...file,
    groups,
  }));
}
