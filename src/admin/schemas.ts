// The forms of what the admin listener answers, as JSON Schema. Members that are not required are absent where nothing is known.
import { MEANINGS } from "../errors.ts";
import type { Schema } from "./offer.ts";

/** A text. */
export const text = (description: string): Schema => ({ type: "string", description });
/** A number from 0 on. */
const count = (description: string): Schema => ({ type: "number", minimum: 0, description });
/** True or false. */
export const flag = (description: string): Schema => ({ type: "boolean", description });
/** A list. */
export const listOf = (items: Schema, description?: string): Schema => ({
  type: "array",
  items,
  ...(description !== undefined && { description }),
});

/** An object with all of these members, and with some of the others. */
export function object(
  required: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
  description?: string,
): Schema {
  return {
    type: "object",
    properties: { ...required, ...optional },
    required: Object.keys(required),
    ...(description !== undefined && { description }),
  };
}

const TARGET: Schema = object(
  {
    url: text("As the config writes it, or as it was found."),
    weight: count("Its share among the targets."),
    state: {
      enum: ["up", "unused", "drained", "down", "ejected"],
      description: "unused has weight 0, drained says an operator, down say checks, ejected was it after failures.",
    },
  },
  {
    reason: text("Why it is down or ejected."),
    seconds: count("Until it is picked again, where it is ejected."),
  },
);

const COUNTED_TARGET: Schema = {
  ...TARGET,
  properties: {
    ...(TARGET["properties"] as object),
    attempts: count("Since the process began."),
    failures: count("Those without an answer, and answers from 500 on."),
    connections: object({ active: count("In use."), idle: count("Open, and not in use.") }),
  },
  required: [...(TARGET["required"] as string[]), "attempts", "failures", "connections"],
};

/** By name, as `components.schemas` has them. */
export const SCHEMAS = {
  Target: TARGET,
  CountedTarget: COUNTED_TARGET,
  Upstream: object(
    {
      name: text("In the config."),
      targets: listOf({ $ref: "#/components/schemas/CountedTarget" }),
      retries: count("Since the process began, as all numbers here."),
      ejections: count("How often a target was ejected."),
      openings: count("How often its breaker has opened."),
    },
    { circuit: { enum: ["closed", "open", "half-open"], description: "Of its breaker, where it has one." } },
  ),
  Obstacle: object({ name: text("A part by its name in the config."), reason: text("What is wrong with it.") }),
  Load: object(
    {
      at: count("Milliseconds since the epoch."),
      ok: flag("Whether it could be loaded."),
      message: text("What was told of it."),
    },
    { hash: text("Of the config's files.") },
  ),
  Reload: object({
    ok: flag("Whether the config of now runs."),
    exitCode: count("What `sluice reload` ends with."),
    message: text("For people."),
    faults: listOf({ type: "object" }, "As `sluice check --json` tells them; of tests with their names."),
  }),
  Upgrade: object({
    ok: flag("Whether another process serves in place of the one that was asked."),
    exitCode: count("What `sluice upgrade` ends with."),
    message: text("For people."),
  }),
  Limit: object(
    {
      limit: text("Its name in the config."),
      caller: text("The text that is counted: `consumer acme`, say."),
      most: count("Units of the limit."),
      left: count("Units that are left now."),
    },
    { before: count("Units that were left before it was reset.") },
  ),
  Key: object(
    {
      id: text("Its name in logs: its own, or the first 8 digits of its hash."),
      revokedAt: count("Milliseconds since the epoch."),
    },
    { consumer: text("Whose it is, where that is known."), place: text("Where it is written, and in which line.") },
  ),
  Problem: object(
    {
      type: text("`about:blank`, or the address of the kind of problem."),
      title: text("What the code means."),
      status: { type: "integer" },
      code: { enum: Object.keys(MEANINGS), description: "The word of the gateway's vocabulary." },
    },
    {
      detail: text("One sentence for who asks."),
      instance: text("The question."),
      request_id: text("The question."),
    },
    "RFC 9457.",
  ),
} as const satisfies Readonly<Record<string, Schema>>;

/** One of them, by its name. */
export const schemaOf = (name: keyof typeof SCHEMAS): Schema => ({ $ref: `#/components/schemas/${name}` });
