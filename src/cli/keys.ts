// `sluice keys new` makes an API key and shows it once; `sluice keys verify` says of a key what can be said without it being shown.
import { createHash, randomBytes } from "node:crypto";
import { LONGEST_KEY } from "../auth/api-key/api-key.ts";
import { checksumHolds, KEY_PREFIX, newKey } from "../auth/api-key/key-form.ts";
import { CONSUMER_NAME, expiryOf } from "../auth/api-key/key-rules.ts";
import { EXIT, Refusal, usageError } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { holderOf, type Holder } from "./key-holder.ts";
import { readSecret } from "./read-secret.ts";
import { shownPath, type Terminal } from "./terminal.ts";
import { defineVerb } from "./verb.ts";

const hashOf = (key: string): string => `sha256:${createHash("sha256").update(key).digest("hex")}`;

/** `sluice keys new`: makes an API key, shows it once, and its hash. */
export const keysNew = defineVerb(
  {
    name: "keys new",
    summary: "makes an API key, shows it once, and its hash",
    notes: [
      "The key has 130 random bits and a checksum: `<prefix>_<22 digits>_<6 digits>`. Sluice keeps only its SHA-256: a key",
      "that is lost cannot be had again. Secret scanners find it by <prefix>_[0-9A-Za-z]{22}_[0-9A-Za-z]{6}.",
      "--json prints { key, hash, consumer, expires }.",
    ],
    examples: [
      ["sluice keys new --consumer=acme", "a key, and the lines to put into the config"],
      ["sluice keys new --prefix=acme_live --expires=2027-01-31", "of another prefix, and not for ever"],
      ["sluice keys new --json | jq -r .hash", "for a program"],
    ],
    exits: [],
  },
  {
    consumer: { type: "string", valueHint: "name", description: "whose key it becomes, for the lines to copy" },
    prefix: { type: "string", valueHint: "prefix", description: "what it begins with; sk by default" },
    expires: { type: "string", valueHint: "date", description: "when it ceases to be good, such as 2027-01-31" },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ consumer, prefix = "sk", expires, json }, { terminal }) => {
    if (consumer !== undefined && !CONSUMER_NAME.test(consumer)) {
      throw usageError("--consumer is a name of letters, digits and _.-, 64 at most.");
    }
    if (!KEY_PREFIX.test(prefix)) {
      throw usageError("--prefix begins with a lower-case letter and has a-z, 0-9 and single _ inside, 24 at most.");
    }
    if (expires !== undefined && expiryOf(expires) === undefined) {
      throw usageError("--expires is a date or a time such as 2027-01-31 or 2027-01-31T12:00:00Z.");
    }
    if (expires !== undefined && expiryOf(expires)! <= Date.now()) {
      throw usageError(`--expires=${expires} is over: the key would be good for nobody.`);
    }
    const key = newKey(prefix, (bytes) => randomBytes(bytes));
    const hash = hashOf(key);
    terminal.out(
      json === true ? JSON.stringify({ key, hash, consumer, expires }) : asText(key, hash, consumer, expires),
    );
    return EXIT.ok;
  },
);

function asText(key: string, hash: string, consumer = "NAME", expires: string | undefined): string {
  const written = expires === undefined ? `"${hash}"` : `{ hash: "${hash}", expires: "${expires}" }`;
  return [
    `key   ${key}`,
    `hash  ${hash}`,
    "",
    "This is the only time that the key is shown. Keep the hash, in the config:",
    `  consumers: { ${/^[A-Za-z_]\w*$/.test(consumer) ? consumer : JSON.stringify(consumer)}: { keys: [${written}] } },`,
    "or in a key file:",
    "  consumers:",
    `    ${consumer}:`,
    "      keys:",
    `        - ${written}`,
  ].join("\n");
}

/** `sluice keys verify`: says whether a key is well-formed, its hash, and whose it is. */
export const keysVerify = defineVerb(
  {
    name: "keys verify",
    summary: "tells a typo from a key, its hash, and whose it is",
    notes: [
      "Reads the key from standard input; a key on the command line stays in the shell's history. The key is never shown.",
      "With a config in this folder, or one that --config names, it says whose key it is.",
      "--json prints { checksum, hash, file, consumer, id, expires, good }.",
    ],
    examples: [
      ["sluice keys verify < key.txt", "look at the key in a file"],
      ["sluice keys verify --config=/etc/sluice/gateway.config.ts", "type it, and ask that config whose it is"],
    ],
    exits: [
      [0, "nothing is wrong with the key"],
      [1, "its checksum is wrong, or the config knows no such key that is good today"],
      66,
      78,
    ],
  },
  {
    key: { type: "positional", required: false, description: "the key; - or nothing reads standard input" },
    config: {
      type: "string",
      valueHint: "file",
      means: "config",
      description: "the config to ask; that of this folder by default",
    },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ key: given, config, json }, { terminal, embedded }) => {
    if (given !== undefined && given !== "-") {
      terminal.err("A key on the command line stands in the shell's history and in the list of processes: pipe it in.");
    }
    const key = given === undefined || given === "-" ? await readSecret("key", terminal) : given;
    const file = config === undefined ? configHere() : findConfig(config);
    const holds = checksumHolds(key);
    const checksum = holds === undefined ? "none" : holds ? "right" : "wrong";
    const hash = hashOf(key);
    let holder: Holder | undefined;
    if (file !== undefined && isPossible(key)) {
      const asked = await holderOf(hash.slice(7), file, embedded, terminal);
      // A config that was not asked for may be broken: the rest can be told all the same.
      if (typeof asked === "number" && config !== undefined) return asked;
      if (typeof asked !== "number") holder = asked;
    }
    const good = holds !== false && isPossible(key) && (holder === undefined || holder.good);
    if (json === true) terminal.out(JSON.stringify({ checksum, hash, ...holder, good }));
    else tell(checksum, hash, key, holder, terminal);
    return good ? EXIT.ok : EXIT.failure;
  },
);

/** What the gateway takes for a key at all. */
function isPossible(key: string): boolean {
  return key.length <= LONGEST_KEY && /^[!-+\--~]+$/.test(key);
}

function configHere(): string | undefined {
  try {
    return findConfig(undefined);
  } catch (thrown) {
    if (thrown instanceof Refusal) return undefined;
    throw thrown;
  }
}

const CHECKSUMS = {
  right: "right",
  wrong: "wrong: a typo, or a part is missing",
  none: "none: the key was not made by sluice keys new",
};

function tell(
  checksum: keyof typeof CHECKSUMS,
  hash: string,
  key: string,
  holder: Holder | undefined,
  terminal: Terminal,
): void {
  terminal.out(`checksum  ${CHECKSUMS[checksum]}`);
  terminal.out(`hash      ${hash}`);
  if (!isPossible(key))
    terminal.out(`key       not one: it is printable ASCII without blank or comma, ${LONGEST_KEY} at most`);
  if (holder === undefined) return;
  const { consumer, id, expires, good } = holder;
  const until = expires === undefined ? "" : `, ${good ? "good until" : "expired at"} ${expires}`;
  const whose = consumer === undefined ? "nobody's" : `${consumer} (key ${id}${until})`;
  terminal.out(`consumer  ${whose} in ${shownPath(holder.file)}`);
}
