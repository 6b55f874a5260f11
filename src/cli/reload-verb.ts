// `sluice reload [file]`: has the running gateway load its config again, and says what came of it.
import { adminPlaceIn } from "./admin-place.ts";
import { findConfig } from "./find-config.ts";
import { GATE_MS } from "./gate.ts";
import { order, tellFindings, tellOutcome } from "./order.ts";
import { planConfig } from "./plan-config.ts";
import { defineVerb } from "./verb.ts";

/** Longer than a config may take to load, in all workers one after the other, behind a reload that is under way. */
const PATIENCE_MS = 2 * (GATE_MS + 30_000);

/** `sluice reload`: has the running gateway load its config again. */
export const reload = defineVerb(
  {
    name: "reload",
    summary: "has the running gateway load its config again",
    notes: [
      "Without a file: gateway.config.ts (.mts, .js, .mjs, .json) in this folder, then in $XDG_CONFIG_HOME/sluice, then in",
      "/etc/sluice. It is checked first, and says where its gateway is asked: `admin`, with its token. What is wrong with",
      'it changes nothing; where reload: { gate: "tests" } is set, what its tests refuse does neither: exit code 1. --json',
      "prints { ok, exitCode, message, faults }. SIGHUP does the same without an admin listener.",
    ],
    examples: [
      ["sluice reload", "once the config of this folder is changed"],
      ["sluice reload /etc/sluice/gateway.config.ts", "of the gateway that runs that one"],
    ],
    exits: [
      [1, "a test has failed, or the gateway ends, and all is as it was"],
      ...([66, 69, 71, 77] as const),
      [78, "the config is wrong, and all is as it was"],
    ],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config" },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ file: named, json }, { terminal, embedded }) => {
    const file = findConfig(named);
    const planned = await planConfig(file, embedded);
    if ("findings" in planned) return tellFindings(planned.findings, file, json, terminal);
    const otherwise = ", or send its process SIGHUP: systemctl reload sluice";
    const outcome = await order(adminPlaceIn(planned.plan, file, otherwise), "reload", PATIENCE_MS);
    return tellOutcome(outcome, json, terminal);
  },
);
