// Load by wrk: how many answers came, how fast, and what went wrong.
import { readFileSync } from "node:fs";
import type { Workshop } from "./workshop.ts";

/** What one run of the load gave. */
export interface LoadResult {
  /** Answers of status 2xx and 3xx. */
  readonly answered: number;
  readonly perSecond: number;
  /** 99th percentile of the time to the answer, in milliseconds. */
  readonly p99Ms: number;
  /** Answers of any other status. */
  readonly refused: number;
  /** Failed connects, reads, writes and timeouts together. */
  readonly socketErrors: number;
}

/** How much load to make. */
export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Lines of each request. */
  readonly headers?: readonly string[];
  /** A script that makes the requests in place of wrk. */
  readonly script?: string;
}

let runs = 0;

/** Runs wrk with one thread; throws when it says nothing that can be read. */
export async function load(workshop: Workshop, options: LoadOptions): Promise<LoadResult> {
  const output = workshop.path(`wrk-${++runs}.out`);
  const command = ["wrk", "-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--latency"];
  for (const line of options.headers ?? []) command.push("-H", line);
  if (options.script !== undefined) command.push("-s", options.script);
  command.push(options.url);
  await workshop.start(`wrk-${runs}`, command, { stdout: output }).ended;
  return parseWrk(readFileSync(output, "utf8"));
}

/** Reads what `wrk --latency` prints. */
export function parseWrk(output: string): LoadResult {
  const requests = /(\d+) requests in/.exec(output)?.[1];
  const p99 = /99%\s+([\d.]+)(us|ms|s|m)/.exec(output);
  if (requests === undefined || p99 === null) throw new Error(`wrk said: ${output}`);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)?.slice(1) ?? [];
  return {
    answered: Number(requests) - refused,
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? 0),
    p99Ms: Number(p99[1]) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[p99[2] ?? "ms"] ?? 1),
    refused,
    socketErrors: errors.reduce((sum, count) => sum + Number(count), 0),
  };
}
