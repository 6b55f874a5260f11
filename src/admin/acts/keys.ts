// Questions about API keys: revoking one at once, and taking that back.
import type { Answer } from "../../answer.ts";
import { json, unknown, wrong } from "../answers.ts";
import type { Offer, Question } from "../offer.ts";
import type { KeyControls, KeyNamed, KeyStatus } from "../overseen.ts";
import { listOf, object, schemaOf, text } from "../schemas.ts";

const KEYS = listOf(schemaOf("Key"));

const NAMED: Pick<Offer, "parameters" | "content"> = {
  parameters: {
    id: { about: "Its name in logs: its own, or the first 8 digits of its hash.", example: "ci-2026" },
    consumer: { about: "Whose it is. Without an id: all that the consumer has now.", example: "acme" },
    hash: { about: "As the config or the key file has it.", example: `sha256:${"0".repeat(64)}` },
  },
  content: {
    about: "The key itself, in place of what the query may say: it belongs in no address.",
    schema: object({ key: text("The key.") }),
    example: { key: "sk_…" },
  },
};

/** GET /keys/revoked */
export const revoked: Offer = {
  about: "the API keys that are revoked",
  parameters: {},
  answers: { 200: { about: "All of them.", schema: object({ keys: KEYS }) } },
  act: ({ x, overseen }) => json(x, 200, { keys: overseen.keys.list() }),
};

/** POST /keys/revoke */
export const revoke: Offer = {
  about: "revokes API keys: from the answer on no worker takes them",
  ...NAMED,
  answers: {
    200: {
      about: "Those that are revoked now.",
      schema: object({ keys: KEYS, message: text("How to make it last.") }),
    },
    404: { about: "There is no such key." },
    503: { about: "Too many are revoked, or the key file cannot be read." },
  },
  async act(question) {
    const { x, overseen } = question;
    const keys = await overseen.keys.revoke(namedIn(question), (hash) => overseen.placeOf?.(hash));
    return told(keys, () => json(x, 200, { keys, message: advice(keys, overseen.keys.kept) }));
  },
};

/** POST /keys/restore */
export const restore: Offer = {
  about: "takes a revocation back",
  ...NAMED,
  answers: {
    200: { about: "Those that were revoked.", schema: object({ keys: KEYS }) },
    404: { about: "No such key is revoked." },
  },
  async act(question) {
    const keys = await question.overseen.keys.restore(namedIn(question));
    return told(keys, () => json(question.x, 200, { keys }));
  },
};

/** @throws GatewayError unless it is one of the ways to name a key */
function namedIn({ named, content }: Question): KeyNamed {
  const { id, consumer, hash } = named;
  const ways = [content !== undefined, hash !== undefined, id !== undefined || consumer !== undefined];
  if (ways.filter(Boolean).length !== 1) {
    throw wrong(
      'One of these names a key: ?id=… (and consumer=…), ?consumer=…, ?hash=…, or the content { "key": "…" }.',
    );
  }
  if (content !== undefined) {
    const { key } = (content ?? {}) as { key?: unknown };
    if (typeof key !== "string" || key === "") throw wrong('The content is { "key": "…" }.');
    return { key };
  }
  return { id, consumer, hash };
}

function told(keys: readonly KeyStatus[], answer: () => Answer): Answer {
  if (keys.length === 0) throw unknown("There is no such key.");
  return answer();
}

function advice(keys: readonly KeyStatus[], kept: KeyControls["kept"]): string {
  const places = [...new Set(keys.flatMap(({ place }) => place ?? []))].slice(0, 10).join(", ");
  const where = places === "" ? "where it is written" : `at ${places}`;
  const holds = "It holds in every worker, over reloads";
  if (kept !== undefined && kept.failure === undefined) {
    return `${holds} and over restarts: it stands in ${kept.path}. The key itself is still ${where}.`;
  }
  const failure = kept === undefined ? "" : ` ${kept.path} cannot be written: ${kept.failure}.`;
  return `${holds}, until the process ends.${failure} To make it last take the key out ${where}.`;
}
