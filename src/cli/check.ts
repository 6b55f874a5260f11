// `sluice check [file]`: says all that is wrong with a config, or in one line that nothing is.
import { planWarnings } from "../config/warnings.ts";
import { noticeText } from "../verbosity.ts";
import { EXIT, Refusal } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { gateWarnings } from "./gate.ts";
import { configFindings, type Finding, planConfig, type PlannedConfig, reportFindings } from "./plan-config.ts";
import { planSummary } from "./plan-summary.ts";
import { revokedFaults } from "./revoked-check.ts";
import { shownPath } from "./terminal.ts";
import { defineVerb } from "./verb.ts";
import { staleTypes } from "./version-stamp.ts";

/** `sluice check`: says all that is wrong with a config. */
export const check = defineVerb(
  {
    name: "check",
    summary: "says all that is wrong with a config",
    notes: [
      "Without a file: gateway.config.ts (.mts, .js, .mjs, .json) in this folder, then in $XDG_CONFIG_HOME/sluice, then in",
      "/etc/sluice. The config's code runs, but nothing listens and nothing connects.",
      "--json prints { ok, file, warnings, faults: [{ file, line, column, path, found, wanted, nearest, message }] }.",
    ],
    examples: [
      ["sluice check", "check the config of this folder"],
      ["sluice check /etc/sluice/gateway.config.ts", "check that one"],
      ["sluice check --json | jq .faults", "for a program"],
    ],
    exits: [[0, "the config is right"], 66, 78],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config" },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async (args, { terminal, embedded }) => {
    const asJson = args.json === true;
    let file: string;
    try {
      file = findConfig(args.file);
    } catch (thrown) {
      if (!asJson || !(thrown instanceof Refusal)) throw thrown;
      const missing = args.file ?? "gateway.config.ts";
      const fault = { file: missing, path: "", message: thrown.message };
      terminal.out(JSON.stringify({ ok: false, file: missing, faults: [fault] }));
      return thrown.exitCode;
    }
    const stale = staleTypes(file, embedded);
    const warn = (text: string): void => terminal.err(noticeText("warn", text));
    if (stale !== undefined) warn(stale);
    const planned = await planConfig(file, embedded);
    const { findings } = "findings" in planned ? planned : { findings: await revokedFindings(planned, file) };
    if (!("findings" in planned) && findings.length === 0) {
      const { plan } = planned;
      const routes = plan.routes.length;
      const upstreams = Object.keys(plan.upstreams).length;
      const warnings = [...planWarnings(plan, Date.now()), ...gateWarnings(plan, file)];
      for (const warning of warnings) warn(warning);
      if (asJson) terminal.out(JSON.stringify({ ok: true, file, routes, upstreams, warnings, faults: [] }));
      else terminal.out(`${shownPath(file)} is right: ${planSummary(plan)}.`);
      return EXIT.ok;
    }
    if (!asJson) return reportFindings(findings, terminal);
    terminal.out(JSON.stringify({ ok: false, file, faults: findings.map(({ json }) => json) }));
    return EXIT.config;
  },
);

/** What would stop the start although the config is right. */
function revokedFindings({ plan, sources }: PlannedConfig, file: string): Promise<Finding[]> {
  return configFindings(revokedFaults(plan), file, sources.texts.get(file) ?? sources.others.get(file));
}
