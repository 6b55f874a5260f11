// npm run bench: what each gateway spends on a request, side by side on the same upstreams in one run.
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CertificateFiles, certificateIn } from "./certificate.ts";
import { type BearerTokens, bearerTokens } from "./bearer-tokens.ts";
import { type Contender, BODY, contenders, hasTokens, ROOT, upstream, type Work, WORKS } from "./contenders.ts";
import { cpuSeconds, residentBytes } from "./cpu.ts";
import { load, type LoadOptions } from "./load.ts";
import { markdown, type Round, type Row } from "./table.ts";
import { freePorts, lastWords, type Running, until, Workshop } from "./workshop.ts";

const HELP = `npm run bench -- [flags]
  --work plain,logged      what each request costs the gateway (default: both); also limited; tls; jwt and jwt-distinct, where
                           HAProxy is the measure
  --seconds 5              length of one run
  --rounds 3               alternating rounds
  --connections 32,200     client connections; a row for each
  --only nginx,sluice      contenders to run beside nginx (default: all that are installed)
  --sluice dist/sluice     the executable to measure; several, such as a,b, to compare two builds; a@2 has two workers, a+metrics
                           counts, a+traces records one trace of a hundred
  --json                   prints every round as JSON instead of tables
`;

const { values: flags } = parseArgs({
  options: {
    work: { type: "string", default: "plain,logged" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "32,200" },
    only: { type: "string", default: "" },
    sluice: { type: "string", default: join(ROOT, "dist/sluice") },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** What is made once for all contenders. */
interface Papers {
  readonly tokens: BearerTokens;
  readonly certificate: CertificateFiles;
}

/** A contender that runs and is ready. */
interface Ready {
  readonly contender: Contender;
  readonly running: Running;
  readonly url: string;
  readonly log: string;
  /** What each request of the load holds. */
  readonly requests: Pick<LoadOptions, "headers" | "script">;
}

/** Says something to the person who waits; the tables alone go to stdout. */
function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

function numbers(flag: "seconds" | "rounds" | "connections"): number[] {
  const list = flags[flag].split(",").map(Number);
  if (list.some((value) => !Number.isInteger(value) || value < 1)) {
    tell(`--${flag}: ${flags[flag]} is not a whole number above 0\n\n${HELP}`);
    process.exit(64);
  }
  return list;
}

async function begin(
  workshop: Workshop,
  contender: Contender,
  work: Work,
  targets: [number, number],
  { tokens, certificate }: Papers,
): Promise<Ready> {
  const [port = 0] = await freePorts(1);
  const name = `${work}-${contender.name.replaceAll(/\W+/g, "-")}`;
  const log = workshop.path(`${name}.access.log`);
  mkdirSync(workshop.path(name));
  const write = (file: string, text: string): string => workshop.write(join(name, file), text);
  const launch = contender.launch({
    work,
    port,
    targets,
    publicKey: tokens.publicKey,
    certificate,
    log,
    folder: workshop.path(name),
    write,
  });
  const running = workshop.start(name, launch.command, {
    ...(launch.env && { env: launch.env }),
    ...(launch.logsToStdout && { stdout: log }),
  });
  const url = `${work === "tls" ? "https" : "http"}://127.0.0.1:${port}/orders/42`;
  const headers = hasTokens(work) ? { authorization: `Bearer ${tokens.token}` } : undefined;
  await waitForAnswer(running, url, headers);
  if (headers !== undefined && (await fetch(url)).status !== 401) throw new Error(`${running.name} asks for no token`);
  const same = headers === undefined ? {} : { headers: [`Authorization: ${headers.authorization}`] };
  const requests = work === "jwt-distinct" ? { script: tokens.distinct() } : same;
  return { contender, running, url, log, requests };
}

async function waitForAnswer(running: Running, url: string, headers: Record<string, string> = {}): Promise<void> {
  let last = "no answer";
  let ended = false;
  void running.ended.then(() => (ended = true));
  const answersRight = async (): Promise<boolean> => {
    if (ended) throw new Error(`${running.name} ended:\n${lastWords(running)}`);
    try {
      const answer = await fetch(url, { headers, tls: { rejectUnauthorized: false } });
      const body = await answer.text();
      last = `${answer.status} ${body.slice(0, 200)}`;
      return answer.status === 200 && body === BODY;
    } catch {
      return false;
    }
  };
  await until(answersRight, 10_000, () => `${running.name} is not ready (${last}):\n${lastWords(running)}`);
}

/** One run of the load on one contender. */
async function measure(workshop: Workshop, ready: Ready, connections: number, work: Work): Promise<Round> {
  const { contender, running, url, log, requests } = ready;
  await load(workshop, { url, connections, seconds: 1, ...requests });
  await quiet(log);
  if (existsSync(log)) truncateSync(log, 0);
  const before = cpuSeconds(running.pid);
  const result = await load(workshop, { url, connections, seconds: numbers("seconds")[0] ?? 5, ...requests });
  await quiet(log);
  const used = cpuSeconds(running.pid) - before;
  const residentMiB = residentBytes(running.pid) / 2 ** 20;
  if (result.refused + result.socketErrors > 0) {
    tell(`${contender.name} at ${connections}: ${result.refused} refused, ${result.socketErrors} socket errors`);
  }
  if (work === "logged") {
    const lines = countLines(log);
    if (lines < result.answered)
      tell(`${contender.name} at ${connections}: ${lines} lines for ${result.answered} answers`);
  }
  const cpuMicros = (used / Math.max(result.answered, 1)) * 1e6;
  return { cpuMicros, ratio: undefined, perSecond: result.perSecond, p99Ms: result.p99Ms, residentMiB };
}

/** Waits until nothing more is written to the log: buffered lines belong to the run that made them. */
async function quiet(log: string): Promise<void> {
  let size = -1;
  await until(
    async () => {
      const before = size;
      size = existsSync(log) ? statSync(log).size : 0;
      if (before !== size) await new Promise((done) => setTimeout(done, 150));
      return before === size;
    },
    10_000,
    () => `${log} never comes to rest`,
  );
}

function countLines(path: string): number {
  let lines = 0;
  for (const byte of readFileSync(path)) if (byte === 10) lines++;
  return lines;
}

async function compare(workshop: Workshop, work: Work, chosen: readonly Contender[], papers: Papers): Promise<Row[]> {
  const [first = 0, second = 0] = await freePorts(2);
  const folder = workshop.path(`${work}-upstream`);
  mkdirSync(folder);
  const write = (file: string, text: string): string => workshop.write(join(`${work}-upstream`, file), text);
  const origin = workshop.start(`${work}-upstream`, upstream([first, second], folder, write).command);
  await waitForAnswer(origin, `http://127.0.0.1:${second}/`);
  const field: Ready[] = [];
  for (const contender of chosen) field.push(await begin(workshop, contender, work, [first, second], papers));
  const rows: Row[] = [];
  for (const connections of numbers("connections")) {
    const rounds = new Map<Contender, Round[]>(field.map((ready) => [ready.contender, []]));
    for (let round = 0; round < (numbers("rounds")[0] ?? 3); round++) {
      tell(`${work}, ${connections} connections, round ${round + 1}`);
      const results = new Map<Contender, Round>();
      for (const ready of round % 2 === 0 ? field : field.toReversed()) {
        results.set(ready.contender, await measure(workshop, ready, connections, work));
      }
      const base = results.get(field[0]!.contender)?.cpuMicros;
      for (const [contender, result] of results) {
        rounds.get(contender)?.push({ ...result, ratio: base === undefined ? undefined : result.cpuMicros / base });
      }
    }
    for (const [contender, list] of rounds) rows.push({ gateway: contender.name, connections, rounds: list });
  }
  for (const ready of field) await workshop.stop(ready.running);
  await workshop.stop(origin);
  return rows;
}

function choose(): { chosen: Contender[]; versions: string[] } {
  const only = flags.only.toLowerCase().split(",").filter(Boolean);
  const all = contenders(flags.sluice.split(","));
  const wordOf = (contender: Contender): string => contender.name.toLowerCase().split(" ")[0] ?? "";
  const unknown = only.filter((name) => !all.some((contender) => wordOf(contender) === name));
  if (unknown.length > 0) {
    tell(`--only: ${unknown.join(", ")}: known are ${[...new Set(all.map(wordOf))].join(", ")}`);
    process.exit(64);
  }
  const chosen: Contender[] = [];
  const versions: string[] = [];
  for (const contender of all) {
    if (only.length > 0 && contender.name !== "nginx" && !only.includes(wordOf(contender))) continue;
    const version = contender.version();
    if (version === undefined) tell(`${contender.name} is missing and left out; to get it: ${contender.install}`);
    else {
      chosen.push(contender);
      versions.push(`${contender.name} ${version}`);
    }
  }
  return { chosen, versions };
}

async function main(): Promise<void> {
  if (flags.help) return tell(HELP);
  const works = flags.work.split(",") as Work[];
  const wrong = works.filter((work) => !WORKS.includes(work));
  if (wrong.length > 0) {
    tell(`--work: ${wrong.join(", ")}: known are ${WORKS.join(", ")}`);
    process.exit(64);
  }
  const needed = { wrk: "apt-get install wrk", nginx: "apt-get install nginx-light (it is the upstream too)" };
  for (const [program, install] of Object.entries(needed)) {
    if (Bun.which(program) === null) throw new Error(`${program} is missing; to get it: ${install}`);
  }
  const { chosen, versions } = choose();
  const workshop = new Workshop("sluice-bench");
  try {
    const papers = { tokens: bearerTokens(workshop), certificate: certificateIn(workshop) };
    const results: Record<string, Row[]> = {};
    for (const work of works) {
      const rows = await compare(
        workshop,
        work,
        chosen.filter(({ cannot = [] }) => !cannot.includes(work)),
        papers,
      );
      results[work] = rows;
      if (!flags.json) process.stdout.write(`\n### ${work}\n\n${markdown(rows)}\n`);
    }
    const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}`;
    const settings = { seconds: numbers("seconds")[0], rounds: numbers("rounds")[0], machine, versions };
    if (flags.json) process.stdout.write(`${JSON.stringify({ ...settings, results }, null, 2)}\n`);
    else
      process.stdout.write(
        `\n${versions.join(", ")}. ${machine}. ${settings.rounds} rounds of ${settings.seconds} s.\n`,
      );
  } finally {
    workshop.close();
  }
}

try {
  await main();
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
