// Questions about what callers have left of their limits.
import { json, unknown } from "../answers.ts";
import type { Offer } from "../offer.ts";
import { schemaOf } from "../schemas.ts";

/** GET /limits */
export const limits: Offer = {
  about: "what is left of a limit for a caller; counts nothing",
  parameters: {
    limit: { about: "Its name in the config.", required: true, example: "perAddress" },
    caller: { about: "An address, a consumer's name, …", required: true, example: "203.0.113.7" },
  },
  answers: {
    200: { about: "What is left.", schema: schemaOf("Limit") },
    404: { about: "There is no such limit." },
    501: { about: "It is counted in a store, which is not looked into." },
  },
  act({ x, named, overseen }) {
    const [limit, caller] = [named["limit"]!, named["caller"]!];
    const plan = overseen.plan().limits;
    const known = plan.limits.find(({ name }) => name === limit);
    const left = overseen.left(limit, caller);
    if (known === undefined || left === undefined) {
      throw unknown("There is no such limit: GET /config lists those that there are.");
    }
    if (known.shared && plan.store !== undefined) {
      return json(x, 501, { limit, caller, message: "It is counted in a store, which is not looked into." });
    }
    return json(x, 200, { limit, caller, most: known.limit, left });
  },
};
