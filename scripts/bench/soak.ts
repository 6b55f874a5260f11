// npm run soak: a bounded load test that looks for leaks, hangs and wrong answers, with failures on both sides.
import { parseArgs } from "node:util";
import { type HeldResult, soakHeld } from "./soak/held.ts";
import { type LargeResult, soakLarge } from "./soak/large.ts";
import { type MixedResult, soakMixed } from "./soak/mixed.ts";
import { type ReloadsResult, soakReloads } from "./soak/reloads.ts";
import { print, type Verdict } from "./soak/samples.ts";
import { Workshop } from "./workshop.ts";

const HELP = `npm run soak -- [flags]
  --only held,mixed,large,reloads
                           parts to run (default: all)
  --requests 1000000       requests of the mixed part
  --lanes 64               clients at once in the mixed part
  --workers 1              threads of the gateway in the mixed part, and of the one that reloads
  --retries                requests of the mixed part are sent again, and beside
  --minutes 20             the mixed part ends early after so long
  --seed 1                 the same seed makes the same requests
  --size 1024              MiB of each large answer
  --reloads 1000           reloads, half of them of broken configs
  --tunnels 1000           tunnels that are open meanwhile
  --hold 10                seconds that the readers of large answers stall or are slow
SLUICE_COMMAND puts another command in place of dist/sluice, such as "bun src/cli/main.ts".
`;

const PARTS = ["held", "mixed", "large", "reloads"];

/** What a part of the soak must not use more of. */
const MOST_MIB_FOR_HELD_READERS = 96;
const MOST_MIB_AT_FULL_SPEED = 192;
const SAMPLES_TO_JUDGE = 30;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: PARTS.join(",") },
    requests: { type: "string", default: "1000000" },
    lanes: { type: "string", default: "64" },
    workers: { type: "string", default: "1" },
    retries: { type: "boolean", default: false },
    minutes: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    size: { type: "string", default: "1024" },
    hold: { type: "string", default: "10" },
    reloads: { type: "string", default: "1000" },
    tunnels: { type: "string", default: "1000" },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Prints a line. */
function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints what was looked for and whether it was found; returns the same. */
function expect(holds: boolean, text: string): boolean {
  tell(`  ${holds ? "ok    " : "NOT OK"}  ${text}`);
  return holds;
}

function reportHeld(result: HeldResult): boolean[] {
  const { requests, together, gatheredMs, answeredMs, right, residentMiB, sockets, socketsAfter } = result;
  tell(`\n## ${requests} requests held at once`);
  return [
    expect(together === requests, `${together} were in flight together after ${gatheredMs.toFixed(0)} ms`),
    expect(right === requests, `${right} had their own answer ${answeredMs.toFixed(0)} ms after it was given`),
    expect(true, `RSS ${residentMiB.toFixed(0)} MiB with ${sockets} sockets, ${socketsAfter} sockets afterwards`),
    expect(result.exitCode === 0, `the gateway ended with ${result.exitCode}`),
    ...result.faults.map((fault) => expect(false, fault)),
  ];
}

function reportMixed(result: MixedResult, requests: number): boolean[] {
  tell("\nOutcomes:");
  for (const [name, count] of Object.entries(result.outcomes).toSorted())
    tell(`  ${String(count).padStart(8)}  ${name}`);
  tell(`\n${print(result.samples, 20)}\n`);
  // A young process still grows to its size: only a longer run tells a leak from that.
  const enough = result.samples.length >= SAMPLES_TO_JUDGE;
  const verdict = ({ flat, before, after }: Verdict, what: string): boolean => {
    const numbers = `${before.toFixed(0)} in the first third, ${after.toFixed(0)} in the last`;
    const word = !enough ? "too short a run to say" : flat ? "flat" : "not flat";
    return expect(flat || !enough, `${what}: ${numbers}: ${word}`);
  };
  const total = Object.values(result.outcomes).reduce((sum, count) => sum + count, 0);
  tell(`The gateway said:\n${result.said.replaceAll(/^/gm, "  ")}\n`);
  const { socketsBefore, socketsAfter, postsTwice, falselyWhole, recordedTwice, notRecorded, collateral } = result;
  const { untold, counted, logged } = result;
  const adds = (what: keyof typeof logged): boolean =>
    expect(counted[what] === logged[what], `${what}: ${counted[what]} in the metrics, ${logged[what]} in the log`);
  return [
    expect(total === requests, `${total} outcomes of ${requests} in ${result.seconds.toFixed(0)} s`),
    verdict(result.memory, "RSS in MiB"),
    verdict(result.sockets, "open sockets"),
    expect(socketsAfter <= socketsBefore, `${socketsAfter} sockets after the last client, ${socketsBefore} before`),
    expect(postsTwice === 0, `${postsTwice} POSTs came to an origin more than once`),
    expect(falselyWhole === 0, `${falselyWhole} bodies that clients cut short came whole to an origin`),
    expect(recordedTwice === 0, `${recordedTwice} requests stand in the log more than once`),
    expect(notRecorded === 0, `${notRecorded} requests with an outcome do not stand in the log`),
    expect(untold === 0, `${untold} requests reached origins more often than the log tells`),
    adds("exchanges"),
    adds("attempts"),
    adds("retries"),
    expect(counted.underWay === 0, `${counted.underWay} exchanges are under way in the metrics when all have ended`),
    expect(true, `sound requests answered 502 on a connection that their origin closed: ${JSON.stringify(collateral)}`),
    expect(result.exitCode === 0, `the gateway ended with ${result.exitCode}`),
    ...Object.entries(result.faults).map(([fault, count]) => expect(false, `${count} x ${fault}`)),
  ];
}

function reportLarge(result: LargeResult, readers: number): boolean[] {
  const { residentBeforeMiB: before, residentHeldMiB: held, residentFullMiB: full, whole, stayed } = result;
  const taken = (result.takenForStalled / 2 ** 20).toFixed(1);
  return [
    expect(
      held - before <= MOST_MIB_FOR_HELD_READERS,
      `RSS ${before.toFixed(0)} MiB before, at most ${held.toFixed(0)} with ${readers} stalled and slow readers`,
    ),
    expect(full - before <= MOST_MIB_AT_FULL_SPEED, `RSS at most ${full.toFixed(0)} MiB at full speed`),
    expect(true, `${taken} MiB at most were taken from the origin for a stalled reader`),
    expect(whole === stayed, `${whole} of ${stayed} answers were whole after ${result.fullSeconds.toFixed(1)} s`),
    expect(result.openAfterLeaving === 0, `${result.openAfterLeaving} connections to the origin outlived their client`),
    expect(result.openAtEnd === 0, `${result.openAtEnd} connections to the origin at the end`),
    expect(result.exitCode === 0, `the gateway ended with ${result.exitCode}`),
    ...result.faults.map((fault) => expect(false, fault)),
  ];
}

function reportReloads(result: ReloadsResult, tunnels: number): boolean[] {
  const { taken, refused, seconds, requests, failed, open, memory } = result;
  const resident = `RSS ${memory.before.toFixed(0)} MiB in the first third, ${memory.after.toFixed(0)} in the last`;
  return [
    expect(true, `${taken} reloads took effect and ${refused} were refused in ${seconds.toFixed(0)} s`),
    expect(failed.length === 0, `${failed.length} of ${requests} requests failed`),
    expect(open === tunnels, `${open} of ${tunnels} tunnels are open`),
    expect(memory.flat, resident),
    expect(result.exitCode === 0, `the gateway ended with ${result.exitCode}`),
    ...failed.slice(0, 10).map((each) => expect(false, each)),
  ];
}

/** Runs the parts that are asked for; whether all went well. */
async function main(): Promise<boolean> {
  const parts = flags.only.split(",");
  const numbers = [
    flags.requests,
    flags.lanes,
    flags.seed,
    flags.size,
    flags.hold,
    flags.minutes,
    flags.reloads,
    flags.tunnels,
    flags.workers,
  ].map(Number);
  const right =
    numbers.every((value) => Number.isInteger(value) && value > 0) && parts.every((part) => PARTS.includes(part));
  if (flags.help || !right) {
    tell(HELP);
    return flags.help;
  }
  const [requests = 0, lanes = 0, seed = 0, size = 0, hold = 0, minutes = 0, ...more] = numbers;
  const [reloads = 0, tunnels = 0, workers = 0] = more;
  const workshop = new Workshop("sluice-soak");
  const checks: boolean[] = [];
  try {
    if (parts.includes("held")) {
      for (const count of [200, 2000]) checks.push(...reportHeld(await soakHeld(workshop, count)));
    }
    if (parts.includes("mixed")) {
      const { retries } = flags;
      const how = `${workers === 1 ? "one worker" : `${workers} workers`}${retries ? ", retries and hedging" : ""}`;
      tell(`\n## ${requests} requests with random failures, ${lanes} clients, seed ${seed}, ${how}`);
      const options = { requests, lanes, seed, workers, retries, limitMs: minutes * 60_000 };
      checks.push(...reportMixed(await soakMixed(workshop, options), requests));
    }
    if (parts.includes("large")) {
      const readers = 10;
      tell(`\n## ${readers} answers of ${size} MiB, ${hold} s to stalled and slow readers`);
      checks.push(
        ...reportLarge(await soakLarge(workshop, { size: size * 2 ** 20, readers, holdMs: hold * 1000 }), readers),
      );
    }
    if (parts.includes("reloads")) {
      tell(`\n## ${reloads} reloads under load, ${tunnels} tunnels, workers: ${workers}`);
      checks.push(...reportReloads(await soakReloads(workshop, { reloads, tunnels, lanes: 16, workers }), tunnels));
    }
  } finally {
    workshop.close();
  }
  return checks.every(Boolean);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
