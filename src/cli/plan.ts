// `sluice plan [file]`: the checked, complete form of a config: every default filled in, every secret masked.
import { planView } from "../admin/live/plan-view.ts";
import type { Plan } from "../config/plan.ts";
import { EXIT } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import { settings, sorted } from "./plan-settings.ts";
import type { Terminal } from "./terminal.ts";
import { defineVerb } from "./verb.ts";

/** `sluice plan`: shows all that a config comes to, with every default. */
export const plan = defineVerb(
  {
    name: "plan",
    summary: "shows all that a config comes to, with every default",
    notes: [
      "A line for each setting, in one order whatever the order of the file: two plans can be compared by diff. Secrets, keys",
      "and their hashes, contents and values of fields are masked. --json prints the same as one object; times are",
      "milliseconds there, sizes bytes.",
    ],
    examples: [
      ["sluice plan", "the plan of the config of this folder"],
      ["sluice plan | grep timeouts", "how long it waits"],
      ["sluice plan --json | jq .upstreams.orders", "for a program"],
    ],
    exits: [66, 78],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config" },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ file, json }, { terminal, embedded }) => {
    const planned = await planConfig(findConfig(file), embedded);
    if ("findings" in planned) return reportFindings(planned.findings, terminal);
    if (json === true) terminal.out(JSON.stringify(sorted(planView(planned.plan)), undefined, 2));
    else terminal.out(planText(planned.plan, terminal.outColors));
    return EXIT.ok;
  },
);

/** The plan for people: `upstreams.orders.timeouts.connect  5s`. */
export function planText(plan: Plan, { bold, cyan }: Terminal["outColors"]): string {
  const parts = Object.entries(Object(sorted(planView(plan))) as object).map(([name, value]) => {
    const lines = [...settings(name, value)];
    const width = Math.max(...lines.map(([path]) => path.length));
    return lines.map(([path, text]) => `${cyan(path)}${" ".repeat(width - path.length)}  ${bold(text)}`).join("\n");
  });
  return parts.filter((part) => part !== "").join("\n\n");
}
