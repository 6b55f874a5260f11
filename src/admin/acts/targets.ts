// Questions about targets: what is known of them, and taking one out.
import { json, unknown } from "../answers.ts";
import { Counts } from "../live/counts.ts";
import type { Act, Offer } from "../offer.ts";
import { listOf, object, schemaOf } from "../schemas.ts";

/** GET /targets */
export const targets: Offer = {
  about: "the targets of all upstreams: what is known of each and why, and what is under way to it",
  parameters: {},
  answers: { 200: { about: "All of them.", schema: object({ upstreams: listOf(schemaOf("Upstream")) }) } },
  async act({ x, overseen }) {
    const counts = new Counts((await overseen.metrics()).collect());
    return json(x, 200, { upstreams: counts.upstreams(overseen.targets.list()) });
  },
};

const ONE: Pick<Offer, "parameters" | "answers"> = {
  parameters: {
    upstream: { about: "Its name in the config.", required: true, example: "orders" },
    target: { about: "As GET /targets has it.", required: true, example: "http://10.0.0.7:9001" },
  },
  answers: {
    200: { about: "What is known of it now.", schema: schemaOf("Target") },
    404: { about: "There is no such target." },
  },
};

/** POST /targets/drain */
export const drain: Offer = {
  about: "takes a target out: it gets no new request, and what is under way goes on",
  ...ONE,
  act: taking(true),
};

/** POST /targets/restore */
export const restore: Offer = { about: "brings a drained target back", ...ONE, act: taking(false) };

function taking(drained: boolean): Act {
  return ({ x, named, overseen }) => {
    const status = overseen.targets.drain(named["upstream"]!, named["target"]!, drained);
    if (status === undefined) throw unknown("There is no such target: GET /targets lists those that there are.");
    return json(x, 200, status);
  };
}
