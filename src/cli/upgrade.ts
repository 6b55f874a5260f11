// `sluice upgrade [file]`: has another process take the running gateway's place, of the executable as it is on the disk now.
import { adminPlaceIn } from "./admin-place.ts";
import { findConfig } from "./find-config.ts";
import { order, tellFindings, tellOutcome } from "./order.ts";
import { planConfig } from "./plan-config.ts";
import { UPGRADE_MS } from "./upgrade/upgrades.ts";
import { defineVerb } from "./verb.ts";

/** Behind a reload that is under way. */
const PATIENCE_MS = UPGRADE_MS + 60_000;

/** The verb. Exit codes: 0 taken over; 1, 66, 69, 71, 78 and all is as it was. */
export const upgrade = defineVerb(
  {
    name: "upgrade",
    summary: "has the executable of now take the running gateway's place, without losing a connection",
    notes: [
      "Without a file: gateway.config.ts (.mts, .js, .mjs, .json) in this folder, then in $XDG_CONFIG_HOME/sluice, then in",
      "/etc/sluice. It is checked first, and says where its gateway is asked: `admin`, with its token. The gateway starts",
      "its own executable anew, with its own arguments: put another in its place before. Once that one serves, it has the",
      "ports and all that limits have counted, and the old one lets exchanges finish. If it does not come to serve, the",
      "old one goes on as it was. Linux only. --json prints { ok, exitCode, message }, and faults where the config is wrong.",
    ],
    examples: [
      ["sluice upgrade", "once another executable stands in the place of the one that runs"],
      ["sluice upgrade /etc/sluice/gateway.config.ts", "of the gateway that runs that config"],
    ],
    exits: [
      [1, "another upgrade is under way, or the gateway shuts down"],
      66,
      69,
      [71, "the new process did not come to serve, and all is as it was"],
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
    const outcome = await order(adminPlaceIn(planned.plan, file), "upgrade", PATIENCE_MS);
    return tellOutcome(outcome, json, terminal);
  },
);
