// Questions about the config that runs, and loading it again.
import { impossible, json } from "../answers.ts";
import { planView } from "../live/plan-view.ts";
import type { Offer } from "../offer.ts";
import { flag, listOf, object, schemaOf, text } from "../schemas.ts";

/** GET /config */
export const config: Offer = {
  about: "the plan that runs, complete and without anything that may be a credential, and when it was loaded",
  parameters: {},
  answers: {
    200: {
      about: "The plan, and the last loads.",
      schema: object({
        plan: { type: "object", description: "All that the config comes to, as `sluice plan --json` prints it." },
        loads: listOf(schemaOf("Load"), "When it was loaded, or could not be: the last ones, from the start on."),
      }),
    },
  },
  act: ({ x, overseen }) => json(x, 200, { plan: planView(overseen.plan()), loads: overseen.loads() }),
};

/** GET /version */
export const version: Offer = {
  about: "which gateway it is",
  parameters: {},
  answers: {
    200: {
      about: "Its name and its version.",
      schema: object(
        {
          name: text("Of the gateway, in its config."),
          version: text("Of Sluice."),
          revision: text("The commit that it was built from; empty where nobody knows."),
        },
        { config: text("The hash of the config's files that run, as `loads` of GET /config has it.") },
      ),
    },
  },
  act({ x, overseen }) {
    const hash = overseen.loads().findLast(({ ok }) => ok)?.hash;
    const config = hash === undefined ? {} : { config: hash };
    return json(x, 200, { name: overseen.plan().name, ...overseen.build, ...config });
  },
};

/** POST /reload */
export const reload: Offer = {
  about: "loads the config again",
  parameters: {},
  answers: {
    200: { about: "The config of now runs.", schema: schemaOf("Reload") },
    422: { about: "It is wrong, or its tests fail, and nothing has changed.", schema: schemaOf("Reload") },
    501: { about: "This runtime cannot do it." },
  },
  async act({ x, overseen }) {
    const outcome = await overseen.reload?.();
    if (outcome === undefined) throw impossible("The config cannot be reloaded on this runtime.");
    return json(x, outcome.ok ? 200 : 422, outcome);
  },
};

/** POST /upgrade */
export const upgrade: Offer = {
  about: "has another process take this one's place",
  parameters: {},
  answers: {
    200: { about: "It serves, and this one leaves.", schema: schemaOf("Upgrade") },
    422: { about: "None could, and nothing has changed.", schema: schemaOf("Upgrade") },
    501: { about: "This runtime cannot do it." },
  },
  async act({ x, overseen }) {
    const outcome = await overseen.upgrade?.();
    if (outcome === undefined) throw impossible("The gateway cannot be upgraded on this runtime.");
    return json(x, outcome.ok ? 200 : 422, outcome);
  },
};

/** GET /live/access */
export const access: Offer = {
  about: "whether a token is asked for",
  open: true,
  answers: { 200: { about: "Whether it is.", schema: object({ token: flag("Whether one is.") }) } },
  act: ({ x, overseen }) => json(x, 200, { token: overseen.plan().admin?.token !== undefined }),
};
