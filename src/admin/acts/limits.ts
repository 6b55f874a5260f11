// Questions about what callers have left of their limits, and counting anew.
import { json, unknown } from "../answers.ts";
import type { Offer, Parameter } from "../offer.ts";
import type { LimitStatus } from "../overseen.ts";
import { listOf, object, schemaOf } from "../schemas.ts";

const LIMIT: Parameter = { about: "Its name in the config.", example: "perAddress" };
const CALLER: Parameter = {
  about: "An address, a consumer's name, the text of a claim, …, or what the limit counts by as GET /limits has it.",
  required: true,
  example: "203.0.113.7",
};
const ANSWERS: Offer["answers"] = {
  404: { about: "There is no such limit." },
  501: { about: "It is counted in a store that cannot be asked." },
  503: { about: "The store that it is counted in does not answer." },
};

/** GET /limits */
export const limits: Offer = {
  about: "what is left of a limit for a caller; counts nothing",
  parameters: { limit: { ...LIMIT, required: true }, caller: CALLER },
  answers: { 200: { about: "What is left.", schema: schemaOf("Limit") }, ...ANSWERS },
  async act({ x, named, overseen }) {
    return json(x, 200, there(await overseen.limits.see(named["limit"]!, named["caller"]!)));
  },
};

/** POST /limits/reset */
export const resetLimits: Offer = {
  about: "lets a caller begin anew: with one limit, or with all",
  parameters: { caller: CALLER, limit: { ...LIMIT, about: "Its name in the config. Without it: all limits." } },
  answers: {
    200: {
      about: "What is left now, and what was left before.",
      schema: object({ limits: listOf(schemaOf("Limit")) }),
    },
    ...ANSWERS,
  },
  async act({ x, named, overseen }) {
    const { limit, caller } = named;
    const { limits } = overseen.plan().limits;
    // Those first that may fail: then nothing has changed.
    const all = limits.toSorted((a, b) => Number(b.shared) - Number(a.shared)).map(({ name }) => name);
    const reset: LimitStatus[] = [];
    for (const name of limit === undefined ? all : [limit]) {
      reset.push(there(await overseen.limits.reset(name, caller!)));
    }
    return json(x, 200, { limits: reset });
  },
};

function there(status: LimitStatus | undefined): LimitStatus {
  if (status !== undefined) return status;
  throw unknown("There is no such limit: GET /config lists those that there are.");
}
