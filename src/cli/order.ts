// What a running gateway is told to do over its admin listener: a POST, and what came of it.
import { type AdminPlace, unreachable } from "./admin-place.ts";
import { EXIT, Refusal } from "./exit.ts";
import { type Finding, reportFindings } from "./plan-config.ts";
import { shownPath, type Terminal } from "./terminal.ts";

/** What came of it, whatever else is told. */
export interface Outcome {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly message: string;
}

/**
 * Has the gateway do it, and waits for what comes of it.
 * @param act the path, and how a sentence names it: "reload"
 * @throws Refusal when nobody answers within so long, or not as a gateway does
 */
export async function order(place: AdminPlace, act: string, patienceMs: number): Promise<Outcome> {
  const { name, url, how } = place;
  let text: string;
  try {
    const response = await fetch(`${url}/${act}`, { ...how, method: "POST", signal: AbortSignal.timeout(patienceMs) });
    text = await response.text();
  } catch (thrown) {
    throw unreachable(name, thrown);
  }
  const answer = readJson(text);
  if (typeof answer["ok"] === "boolean" && typeof answer["exitCode"] === "number") return answer as never;
  const why = [answer["detail"], answer["title"], answer["message"]].find((each) => typeof each === "string");
  throw new Refusal(EXIT.unavailable, `What answers at ${name} does not ${act}: ${why ?? text.slice(0, 200)}`);
}

/** Tells what came of it: for people, or for machines as one JSON object. @returns the exit code */
export function tellOutcome(outcome: Outcome, json: boolean | undefined, terminal: Terminal): number {
  if (json === true) terminal.out(JSON.stringify(outcome));
  else if (outcome.ok) terminal.out(outcome.message);
  else terminal.err(outcome.message);
  return outcome.exitCode;
}

/** Tells what is wrong with the config that says where the gateway is: it is not asked then. @returns the exit code */
export function tellFindings(
  findings: readonly Finding[],
  file: string,
  json: boolean | undefined,
  terminal: Terminal,
): number {
  if (json !== true) return reportFindings(findings, terminal);
  const faults = findings.map((finding) => finding.json);
  const message = `${shownPath(file)} is wrong: nothing was asked of the gateway.`;
  terminal.out(JSON.stringify({ ok: false, exitCode: EXIT.config, message, faults }));
  return EXIT.config;
}

function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
