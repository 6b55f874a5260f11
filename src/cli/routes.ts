// `sluice routes [file]`: what runs, a line for each match of a route, in the order in which they are tried.
import type { Plan } from "../config/plan.ts";
import type { Entry } from "../route/leaf.ts";
import { compileRoutes } from "../route/table.ts";
import { EXIT } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import { allowText, authText, conditionTexts, destinationText, extraTexts, methodsText } from "./route-text.ts";
import { type Table, tableText } from "./table.ts";
import { defineVerb } from "./verb.ts";

/** `sluice routes`: shows the routes of a config, the most specific first. */
export const routes = defineVerb(
  {
    name: "routes",
    summary: "shows the routes of a config, the most specific first",
    notes: [
      "A line for each match of a route and each of its hosts, in the order in which they are tried; the order of the file",
      "means nothing. Of what is asked for, the first line wins that fits: sluice explain tells which, and why.",
      "--json prints { routes: [{ name, host, methods, path, conditions, kind, to, auth, allow, limits, inFlight, also }] };",
      "host is null and methods are empty where any will do.",
    ],
    examples: [
      ["sluice routes", "the routes of the config of this folder"],
      [`sluice routes --json | jq '.routes[] | select(.auth == []) | .name'`, "which anybody may call"],
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
    if (json === true) terminal.out(JSON.stringify({ routes: routesJson(planned.plan) }));
    else terminal.out(tableText(routesTable(planned.plan), terminal.width, terminal.outColors));
    return EXIT.ok;
  },
);

/** The routes of a plan as a table, the most specific match first. */
export function routesTable(plan: Plan): Table {
  const heads = ["ROUTE", "METHODS", "HOST", "PATH", "WHEN", "TO", "AUTH", "ALLOW", "LIMITS", "IN FLIGHT", "ALSO"];
  const rows = [...compileRoutes(plan.routes).inOrder()].map(({ host, entry }) => rowOf(host, entry));
  // Hosts are told only where they tell routes apart.
  return rows.every((row) => row[2] === "any") ? { heads, rows: rows.map((row) => row.with(2, "")) } : { heads, rows };
}

function rowOf(host: string, { route, match }: Entry): string[] {
  return [
    route.name,
    methodsText(match),
    host === "*" ? "any" : host,
    match.path,
    conditionTexts(match).join(", "),
    destinationText(route.destination),
    authText(route),
    allowText(route.allow),
    route.limits.map(({ name }) => name).join(", "),
    route.inFlight.map(({ name }) => name).join(", "),
    extraTexts(route).join(", "),
  ];
}

/** The routes of a plan as JSON objects, the most specific match first. */
export function routesJson(plan: Plan): object[] {
  return [...compileRoutes(plan.routes).inOrder()].map(({ host, entry: { route, match } }) => ({
    name: route.name,
    host: host === "*" ? null : host,
    methods: match.methods,
    path: match.path,
    conditions: conditionTexts(match),
    kind: route.destination.kind,
    to: destinationText(route.destination),
    auth: route.auth,
    allow: allowText(route.allow),
    limits: route.limits.map(({ name }) => name),
    inFlight: route.inFlight.map(({ name }) => name),
    also: extraTexts(route),
  }));
}
