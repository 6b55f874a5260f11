// `sluice logs [file]`: shows an access log in JSON to a person, or the part of it that is asked for.
import { messageOf } from "../errors.ts";
import { parseDuration } from "../http/duration.ts";
import { shown, prettyText } from "../record/pretty.ts";
import { EXIT, Refusal, usageError } from "./exit.ts";
import { shownPath } from "./terminal.ts";
import { defineVerb } from "./verb.ts";
import { linesOfFile, linesOfInput } from "./logs/read-lines.ts";
import { type LoggedExchange, readRecord } from "./logs/record.ts";

/** Characters shown of a line that is none of an access log. */
const MOST = 2048;

/** `sluice logs`: shows an access log in JSON to people, or a part of it. */
export const logs = defineVerb(
  {
    name: "logs",
    summary: "shows an access log in JSON to people, or a part of it",
    notes: [
      "Without a file, or for -, it reads standard input. It reads the forms json, ecs and caddy. Conditions must all hold;",
      "of several words behind a flag one must. Lines that are none of an access log pass where nothing is asked for.",
    ],
    examples: [
      ["sluice logs access.log", "read the file"],
      ["sluice run | sluice logs --status=5xx,429", "what has failed"],
      ["sluice logs access.log --follow --route=orders --slower=200ms", "what is slow, as it happens"],
      ["sluice logs access.log --consumer=acme --json", "the lines themselves, for other programs"],
    ],
    exits: [[66, "there is no such file, or it cannot be read"]],
  },
  {
    file: { type: "positional", required: false, means: "file", description: "the log" },
    status: { type: "string", valueHint: "status", description: "of these statuses or classes: 404, 5xx" },
    route: { type: "string", valueHint: "route", description: "of these routes" },
    consumer: { type: "string", valueHint: "consumer", description: "of these consumers" },
    slower: { type: "string", valueHint: "duration", description: "that took at least so long: 200ms" },
    follow: { type: "boolean", description: "go on at the file's end, and with the one that takes its place" },
    json: { type: "boolean", description: "print the lines as they are" },
  },
  async (args, { terminal }) => {
    const conditions = conditionsOf(args);
    const file = args.file === undefined || args.file === "-" ? undefined : args.file;
    if (args.follow === true && file === undefined) {
      throw usageError("--follow needs a file: standard input is followed anyway.");
    }
    const show = (line: string): string | undefined => {
      const x = readRecord(line);
      if (x === undefined) {
        return conditions.length > 0 || args.json === true || line.trim() === "" ? undefined : shown(line, MOST);
      }
      if (!conditions.every((holds) => holds(x))) return undefined;
      return args.json === true ? line : prettyText(x, terminal.outColors);
    };
    try {
      const source = file === undefined ? linesOfInput(process.stdin) : linesOfFile(file, args.follow === true);
      for await (const lines of source) {
        const out = lines.flatMap((line) => show(line) ?? []);
        // Whoever reads may have had enough, as `head` has.
        if (out.length > 0 && !terminal.out(out.join("\n"))) break;
      }
    } catch (thrown) {
      if (file === undefined) throw thrown;
      throw new Refusal(EXIT.noInput, `${shownPath(file)} cannot be read: ${messageOf(thrown)}`);
    }
    return EXIT.ok;
  },
);

type Condition = (x: LoggedExchange) => boolean;

interface Asked {
  readonly status?: string | undefined;
  readonly route?: string | undefined;
  readonly consumer?: string | undefined;
  readonly slower?: string | undefined;
}

function conditionsOf({ status, route, consumer, slower }: Asked): Condition[] {
  const conditions: Condition[] = [];
  if (status !== undefined) {
    const statuses = status.split(",").map(statusRange);
    conditions.push((x) => statuses.some(([least, most]) => x.status >= least && x.status <= most));
  }
  if (route !== undefined) {
    const routes = route.split(",");
    conditions.push((x) => x.route !== undefined && routes.includes(x.route));
  }
  if (consumer !== undefined) {
    const consumers = consumer.split(",");
    conditions.push((x) => x.consumer !== undefined && consumers.includes(x.consumer));
  }
  if (slower !== undefined) {
    const ms = parseDuration(slower);
    if (ms === undefined) throw usageError(`--slower is a duration such as 200ms or 1.5s, not "${slower}".`);
    conditions.push((x) => x.durationMs >= ms);
  }
  return conditions;
}

function statusRange(text: string): readonly [least: number, most: number] {
  const [, digit, rest] = /^([1-5])(xx|\d\d)$/.exec(text) ?? [];
  if (digit === undefined) throw usageError(`--status is a status such as 404, or a class such as 5xx, not "${text}".`);
  return rest === "xx" ? [Number(digit) * 100, Number(digit) * 100 + 99] : [Number(text), Number(text)];
}
