// Questions about the gateway's health, for orchestrators, load balancers and people.
import { readinessAnswer } from "../../respond/readiness.ts";
import { json } from "../answers.ts";
import type { Offer } from "../offer.ts";
import { flag, listOf, object, schemaOf, text } from "../schemas.ts";

const READY = "Nothing stands in the way of its work.";
const UNREADY = "Something does.";

/** GET /livez */
export const livez: Offer = {
  about: "whether the process answers at all",
  open: true,
  answers: { 200: { about: "It does.", schema: object({ live: { const: true } }) } },
  act: ({ x }) => json(x, 200, { live: true }),
};

/** GET /readyz */
export const readyz: Offer = {
  about: "whether the gateway can do its work",
  open: true,
  answers: {
    200: { about: READY, schema: object({ ready: { const: true } }) },
    503: {
      about: UNREADY,
      schema: object({ ready: { const: false }, unready: listOf(text("A part by its name in the config.")) }),
    },
  },
  act: ({ x, overseen }) => readinessAnswer(() => overseen.obstacles())(x),
};

const REASONS = object({ ready: flag("Whether nothing stands in the way."), obstacles: listOf(schemaOf("Obstacle")) });

/** GET /healthz */
export const healthz: Offer = {
  about: "as /readyz, with the reasons",
  answers: { 200: { about: READY, schema: REASONS }, 503: { about: UNREADY, schema: REASONS } },
  act({ x, overseen }) {
    const obstacles = overseen.obstacles();
    return json(x, obstacles.length === 0 ? 200 : 503, { ready: obstacles.length === 0, obstacles });
  },
};
