// The schema of consumers, and of what they prove themselves with.
import { expiryOf, GROUP_NAME, HASH_OF_NOTHING, KEY_HASH, KEY_ID } from "../../auth/api-key/key-rules.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { chained, named, either, isPlainObject, leaf, list, maybe, options, then, type Shape } from "../shape.ts";
import { hiddenText, text } from "../values.ts";
import { passwordHash } from "./basic.ts";
import { signingKeyShape } from "./signing-keys.ts";
import type { ConsumerPlan, KeyPlan, SigningKeyPlan } from "./plan.ts";

const A_GROUP = "the name of a group";

/** The name of a group: it stands in logs. */
const groupName = text(A_GROUP, (name) =>
  GROUP_NAME.test(name) ? name : new Problem(A_GROUP, { hint: 'It has letters, digits and "_.:@/-", 64 at most.' }),
);

const A_HASH = 'the hash of an API key: "sha256:" and 64 hexadecimal digits';

/** Returns the 64 digits. The text is not shown: it may be the key itself. */
function keyHash(reader: ConfigReader): Shape<string> {
  return hiddenText(A_HASH, reader, ({ text }) => {
    const digits = KEY_HASH.exec(text)?.[1]?.toLowerCase();
    if (digits === HASH_OF_NOTHING) {
      return new Problem(A_HASH, { found: false, hint: "This is the hash of an empty text." });
    }
    if (digits !== undefined) return digits;
    return new Problem(A_HASH, { found: false, hint: "`sluice keys new` prints it beside a new key." });
  });
}

const A_TIME = 'a date or time such as "2027-01-31" or "2027-01-31T12:00:00Z"';

/** A time by RFC 3339, or a date, whose end it is, in UTC. Milliseconds since the epoch. */
const expiry = text(A_TIME, (written) => expiryOf(written) ?? new Problem(A_TIME));

const A_KEY_ID = "a short name for a key";

function keyShape(reader: ConfigReader): Shape<KeyPlan> {
  const id = text(A_KEY_ID, (name) => (KEY_ID.test(name) ? name : new Problem(A_KEY_ID)));
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
    signingKeys: maybe(list(signingKeyShape(reader), "a list of keys to verify signatures with")),
    subjects: maybe(subjects),
    password: maybe(passwordHash(reader)),
  });
  const all = named(consumer, "an object of consumers by name", nameProblem);
  type Entries = typeof all extends Shape<infer T> ? T : never;
  const withoutShared = leaf(
    (entries) => sharedKey(entries as Entries) ?? sharedId(entries as Entries) ?? (entries as Entries),
  );
  return then(chained(all, withoutShared), (entries) =>
    entries.map(([name, { groups = [], keys = [], signingKeys = [], subjects = [], password }]) => ({
      consumer: Object.freeze({ name, groups: Object.freeze([...groups]) }),
      keys,
      signingKeys,
      subjects: Object.fromEntries(subjects),
      password,
    })),
  );
}

/** Whose a key is must not depend on which was read last. */
function sharedKey(
  entries: readonly (readonly [name: string, consumer: { readonly keys?: readonly KeyPlan[] | undefined }])[],
): Problem | undefined {
  const owners = new Map<string, string>();
  for (const [name, { keys = [] }] of entries) {
    for (const [i, { hash }] of keys.entries()) {
      const owner = owners.get(hash);
      const hint = owner === name ? "It stands there twice." : `${owner} has it too.`;
      if (owner !== undefined) {
        return new Problem("a key that nobody has yet", { at: [name, "keys", i], found: false, hint });
      }
      owners.set(hash, name);
    }
  }
  return undefined;
}

const A_FILE = "the path of a YAML file of keys";

/** A file of more keys, whose text is still to be read. */
export interface FoundKeyFile {
  /** Absolute path of the key file. */
  readonly path: string;
  readonly text: string;
  readonly groups: readonly string[];
}

/** The file of more keys. What it says is read once the rest of the config is right: see key-file.ts. */
export function keysShape(reader: ConfigReader): Shape<FoundKeyFile> {
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

/** Whom a signature speaks for is told by its keyid alone. */
function sharedId(
  entries: readonly (readonly [
    name: string,
    consumer: { readonly signingKeys?: readonly SigningKeyPlan[] | undefined },
  ])[],
): Problem | undefined {
  const owners = new Map<string, string>();
  for (const [name, { signingKeys = [] }] of entries) {
    for (const [i, { id }] of signingKeys.entries()) {
      const owner = owners.get(id);
      const hint = owner === name ? "It stands there twice." : `${owner} has it too.`;
      if (owner !== undefined)
        return new Problem("an id of its own", { at: [name, "signingKeys", i, "id"], found: `"${id}"`, hint });
      owners.set(id, name);
    }
  }
  return undefined;
}
