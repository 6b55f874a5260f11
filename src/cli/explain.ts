// `sluice explain [method] <url>`: what becomes of a request, and why. Nothing is sent to anybody but a gateway that runs.
import { GatewayError } from "../errors.ts";
import type { Arrival } from "../exchange.ts";
import { bunPlatform } from "../platforms/bun.ts";
import { checkArguments } from "./arguments.ts";
import { placesIn } from "./config-places.ts";
import { EXIT } from "./exit.ts";
import { type Explanation, explanationOf } from "./explain/explanation.ts";
import { rehearse, SILENT } from "./explain/rehearsal.ts";
import { arrivalOf, readAsked } from "./explain/request.ts";
import { askRunning } from "./explain/running.ts";
import { explanationText } from "./explain/text.ts";
import { findConfig } from "./find-config.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import { hashOf } from "./sources.ts";
import type { Verb, VerbArgs } from "./verb.ts";

const ARGS = {
  method: {
    type: "positional",
    required: false,
    means: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"],
    description: "GET, or POST with --data",
  },
  url: { type: "positional", required: true, description: "the URL" },
  header: {
    type: "string",
    alias: "H",
    valueHint: "name: value",
    repeats: true,
    description: "a field of the request; may stand several times",
  },
  request: { type: "string", alias: "X", valueHint: "method", description: "the method, as for curl" },
  data: { type: "string", alias: "d", valueHint: "text|@file", description: "content of the request, as for curl" },
  from: { type: "string", valueHint: "address", description: "whose connection it comes on; default 127.0.0.1" },
  config: { type: "string", valueHint: "file", means: "config", description: "the config; default as for sluice run" },
  json: { type: "boolean", description: "for machines: one JSON object on stdout" },
} as const satisfies VerbArgs;

/** `sluice explain`: says what becomes of a request, and why. */
export const explain: Verb = {
  name: "explain",
  summary: "says what becomes of a request, and why",
  notes: [
    "The request goes the whole way of the config inside this process. No target, issuer or service is asked, but a gateway",
    "that runs, over its admin listener: what is left of limits, which targets are out and why, open circuits, revoked keys.",
    "Keys and passwords are really verified; what would take asking somebody is said. Middleware and handlers do not run.",
    "Each line ends with its place in the config. Credentials are masked. --json prints { request, client, verdict, status,",
    "code, route, leadsTo, matches, policies, way, head, asked }.",
  ],
  examples: [
    ["sluice explain https://api.example.com/api/orders/7", "which route, and what it asks for"],
    ["sluice explain POST /orders -H 'x-api-key: …' -d @order.json", "with what a client sends"],
    ["sluice explain /orders --from 203.0.113.7 --json | jq .policies", "for a program"],
  ],
  exits: [[0, "explained, whatever the verdict"], [64, "the command line is wrong, or the request is none"], 66, 78],
  args: ARGS,
  async run(raw, { terminal, embedded }) {
    const words = raw.flatMap((word) => (/^-[HXd]./s.test(word) ? [word.slice(0, 2), word.slice(2)] : [word]));
    checkArguments(words, ARGS, "sluice explain");
    const { request, config, json } = readAsked(words);
    const planned = await planConfig(findConfig(config), embedded);
    if ("findings" in planned) return reportFindings(planned.findings, terminal);
    const { plan, sources } = planned;
    const arrival = arrivalOf(request, plan.listen);
    const explained = async (arrival: Arrival): Promise<Explanation> => {
      const running = await askRunning(plan, hashOf(sources));
      const rehearsal = await rehearse(plan, arrival, bunPlatform({ lines: SILENT }), running);
      const left = (await running?.left(rehearsal.steps)) ?? (() => undefined);
      return explanationOf(plan, rehearsal, placesIn(sources), left, running);
    };
    const refused = arrival instanceof GatewayError;
    const explanation = refused ? refusedAtOnce(request.method, arrival) : await explained(arrival);
    if (json) terminal.out(JSON.stringify(explanation));
    else terminal.out(explanationText(explanation, terminal.width, terminal.outColors));
    return EXIT.ok;
  },
};

/** What the listener refuses before it looks for a route. */
function refusedAtOnce(method: string, { status, code, message }: GatewayError): Explanation {
  return {
    request: method,
    client: "",
    verdict: `${status} ${code}: ${message}`,
    ...{ status, code, route: undefined, leadsTo: undefined, matches: [], policies: [], way: undefined, head: [] },
    asked: undefined,
  };
}
