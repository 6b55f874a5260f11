// Questions about how much the gateway tells of itself on standard error.
import { NOTICE_LEVELS, type NoticeLevel } from "../../verbosity.ts";
import { json, wrong } from "../answers.ts";
import type { Offer, Schema } from "../offer.ts";
import { object } from "../schemas.ts";

const LEVEL: Schema = { enum: NOTICE_LEVELS };

/** GET /log-level */
export const logLevel: Offer = {
  about: "how much the gateway tells of itself on standard error",
  parameters: {},
  answers: { 200: { about: "The level of now.", schema: object({ level: LEVEL }) } },
  act: ({ x, overseen }) => json(x, 200, { level: overseen.verbosity.level }),
};

/** POST /log-level */
export const setLogLevel: Offer = {
  about: "changes that, in all workers",
  parameters: { level: { about: "One of error, warn, info, debug.", required: true, example: "debug" } },
  answers: { 200: { about: "The level of now, and the one before.", schema: object({ level: LEVEL, before: LEVEL }) } },
  act({ x, named, overseen: { verbosity } }) {
    const level = NOTICE_LEVELS.find((each) => each === named["level"]);
    if (level === undefined) throw wrong(`The level is one of ${NOTICE_LEVELS.join(", ")}.`);
    const before: NoticeLevel = verbosity.level;
    verbosity.level = level;
    return json(x, 200, { level, before });
  },
};
