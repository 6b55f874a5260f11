// Soak (b): a million requests among failing origins and leaving clients, while memory and sockets are watched.
import { until, type Workshop } from "../workshop.ts";
import { BEHAVIOURS, errandOf, isRight } from "./behaviours.ts";
import { type Outcome, SoakClient } from "./client.ts";
import { chance, nextTrip, type Trip } from "./errands.ts";
import { type Counted, readCounted } from "./counted.ts";
import { startGateway } from "./gateway.ts";
import { type OriginRequest, startOrigin } from "./origin.ts";
import { judge, type Sample, type Verdict } from "./samples.ts";

/** How much to do. */
export interface MixedOptions {
  readonly requests: number;
  /** Clients at once. */
  readonly lanes: number;
  readonly seed: number;
  readonly workers: number;
  /** Whether what fails is sent again, and what is slow beside. */
  readonly retries: boolean;
  /** The run ends early after this, and after {@link MOST_HUNG} requests that hang. */
  readonly limitMs: number;
  /** Called with each sample. */
  readonly onSample?: (sample: Sample) => void;
}

/** So many hung requests end the run: each costs the time of its client's patience. */
export const MOST_HUNG = 100;

/** What was seen. */
export interface MixedResult {
  readonly seconds: number;
  /** Outcomes by route, behaviour and kind, such as `mixed short broken`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly samples: readonly Sample[];
  readonly memory: Verdict;
  readonly sockets: Verdict;
  /** Sockets before the first client and after the last, once the pools have emptied. */
  readonly socketsBefore: number;
  readonly socketsAfter: number;
  /** POST requests of which the head reached an origin more than once. */
  readonly postsTwice: number;
  /** Whole requests that origins got from clients which had not sent all. */
  readonly falselyWhole: number;
  /** Requests recorded in the access log more than once, and requests with an outcome that are not there. */
  readonly recordedTwice: number;
  readonly notRecorded: number;
  /** Requests of which more heads reached origins than the log tells of attempts. */
  readonly untold: number;
  /** What the metrics say, and what the log. */
  readonly counted: Counted;
  readonly logged: Omit<Counted, "underWay">;
  /** Sound requests answered 502 because their origin closed the connection they were sent on, by method. */
  readonly collateral: Readonly<Record<string, number>>;
  readonly exitCode: number;
  /** The last lines of the gateway's stderr. */
  readonly said: string;
  /** Everything else that must not happen, with how often; at most 50 kinds. */
  readonly faults: Readonly<Record<string, number>>;
}

/** As much of it as there can be. */
const AGAIN = {
  ejection: false,
  retries: { attempts: 3, on: ["connect", "reset", "timeout", 502, 503, 504], budget: { share: 1, min: 1000 } },
  hedge: { after: "50ms" },
} as const;

/** Counts things by a name. */
class Tally {
  readonly counts: Record<string, number> = {};

  add(name: string, most = 500): void {
    const known = this.counts[name];
    if (known !== undefined) this.counts[name] = known + 1;
    else if (Object.keys(this.counts).length < most) this.counts[name] = 1;
  }
}

/** Runs the soak to its end. */
export async function soakMixed(workshop: Workshop, options: MixedOptions): Promise<MixedResult> {
  const { requests } = options;
  const faults = new Tally();
  const outcomes = new Tally();
  const fault = (text: string): void => faults.add(text.replaceAll(/\bi?\d+\b/g, "#"), 50);
  const arrivals = new Uint8Array(requests);
  const wholes = new Uint8Array(requests);
  const records = new Uint8Array(requests);
  const attempts = new Uint8Array(requests);
  let postsTwice = 0;

  const noteArrival = ({ method, target }: OriginRequest): void => {
    const errand = errandOf(target);
    if (errand === undefined) return fault(`an origin was asked for ${target}`);
    const count = ++arrivals[errand.id]!;
    if (method === "POST" && count === 2) {
      postsTwice++;
      fault(`a POST to ${errand.behaviour} came twice`);
    }
  };
  const startFaulty = () =>
    startOrigin(
      (connection, request) => {
        const errand = errandOf(request.target);
        if (errand === undefined) return connection.reset();
        wholes[errand.id] = 1;
        BEHAVIOURS[errand.behaviour]?.act(connection, request, errand);
      },
      fault,
      (connection, request) => {
        noteArrival(request);
        const errand = errandOf(request.target);
        const behaviour = errand && BEHAVIOURS[errand.behaviour];
        if (errand === undefined || behaviour?.early !== true) return false;
        behaviour.act(connection, request, errand);
        return true;
      },
    );
  const origins = [startFaulty(), startFaulty(), startFaulty(), startFaulty()];
  const [one = 0, two = 0, three = 0, four = 0] = origins.map((origin) => origin.port);
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  const keepAlive = { idle: "2s" } as const;
  const gateway = await startGateway(
    workshop,
    "mixed",
    {
      upstreams: {
        steady: { targets: [url(one), url(two)], keepAlive },
        mixed: { targets: [url(three), url(four)], keepAlive, ...(options.retries && AGAIN) },
        // Nothing listens on this address, and no outgoing connection can be given it.
        refuse: { targets: [`http://127.0.0.2:${one}`], keepAlive },
      },
      routes: {
        steady: { match: "/steady/*", to: "steady" },
        mixed: { match: "/mixed/*", to: "mixed" },
        refuse: { match: "/refuse/*", to: "refuse" },
      },
      log: { format: "json" },
      workers: options.workers,
      admin: { port: 0 },
      shutdown: { drainDelay: "0s" },
    },
    (lines) => {
      for (const line of lines) {
        const id = Number(/\/i(\d+)\//.exec(line)?.[1]);
        if (Number.isNaN(id)) fault(`the log holds: ${line.slice(0, 300)}`);
        else {
          records[id]!++;
          attempts[id] = Number(/"sluice\.attempts":(\d+)/.exec(line)?.[1] ?? 0);
        }
      }
    },
  );

  const socketsBefore = gateway.openSockets;
  const left = new Uint8Array(requests);
  const collateral = new Tally();
  let falselyWhole = 0;
  const cutShort: number[] = [];
  const judgeOutcome = (trip: Trip, outcome: Outcome): void => {
    const { errand, route, request } = trip;
    const { kind, status } = outcome;
    outcomes.add(`${route} ${errand.behaviour} ${kind}${kind === "answered" ? ` ${status}` : ""}`);
    if (kind === "left") {
      left[errand.id] = 1;
      if (trip.cutShort) cutShort.push(errand.id);
      return;
    }
    const head = request.method === "HEAD";
    const at = `${route} ${errand.behaviour} ${request.method}`;
    if (kind === "answered" && status === 200 && !isRight(outcome, errand, head, trip.sent)) {
      fault(`${at}: a 200 that is not the errand's own: ${outcome.head} + ${outcome.bytes} bytes, ${outcome.start}`);
    }
    const allowed = route === "refuse" ? status === 502 : BEHAVIOURS[errand.behaviour]?.allowed(outcome, head);
    if (allowed === true) return;
    if (route === "mixed" && kind === "answered" && status === 502) collateral.add(request.method);
    else fault(`${at}: ${kind} ${status} ${outcome.problem ?? outcome.start}`);
  };

  const random = chance(options.seed);
  const began = performance.now();
  let next = 0;
  let done = 0;
  let hung = 0;
  const goesOn = (): boolean => next < requests && hung < MOST_HUNG && performance.now() - began < options.limitMs;
  const lane = async (): Promise<void> => {
    const client = new SoakClient(gateway.port, fault);
    while (goesOn()) {
      const trip = nextTrip(next++, random);
      const outcome = await client.exchange(trip.request);
      judgeOutcome(trip, outcome);
      if (outcome.kind === "hung") hung++;
      // An early answer leaves the rest of the body unsent: nothing else may follow on this connection.
      if (trip.cutShort) client.close();
      done++;
    }
    client.close();
  };
  const samples: Sample[] = [];
  const everyMs = requests >= 100_000 ? 1000 : 100;
  const sampling = setInterval(() => {
    const { residentMiB, openSockets: sockets } = gateway;
    const sample = { at: performance.now() - began, done, residentMiB, sockets };
    samples.push(sample);
    options.onSample?.(sample);
  }, everyMs);
  await Promise.all(Array.from({ length: options.lanes }, lane));
  clearInterval(sampling);
  const seconds = (performance.now() - began) / 1000;

  await until(
    () => gateway.openSockets <= socketsBefore,
    15_000,
    () => `${gateway.openSockets - socketsBefore} sockets stay open after the last client`,
  ).catch((error: Error) => faults.add(error.message));
  const socketsAfter = gateway.openSockets;
  const stillOpen = (): number => origins.reduce((sum, origin) => sum + origin.open, 0);
  await until(
    () => stillOpen() === 0,
    2000,
    () => `${stillOpen()} connections to origins stay open after the last client`,
  ).catch((error: Error) => faults.add(error.message));
  const counted = await readCounted(gateway.adminPort);
  const exitCode = await gateway.stop();
  for (const origin of origins) origin.stop();

  for (const id of cutShort) if (wholes[id] === 1) falselyWhole++;
  let recordedTwice = 0;
  let notRecorded = 0;
  let untold = 0;
  for (let id = 0; id < next; id++) {
    if (records[id]! > 1) recordedTwice++;
    if (records[id] === 0 && left[id] === 0) notRecorded++;
    if (records[id] === 1 && arrivals[id]! > attempts[id]!) untold++;
  }
  return {
    seconds,
    outcomes: outcomes.counts,
    samples,
    memory: judge(
      samples.map((each) => each.residentMiB),
      8,
    ),
    sockets: judge(
      samples.map((each) => each.sockets),
      16,
    ),
    socketsBefore,
    socketsAfter,
    postsTwice,
    falselyWhole,
    recordedTwice,
    notRecorded,
    untold,
    counted,
    logged: {
      exchanges: records.reduce((sum, count) => sum + count, 0),
      attempts: attempts.reduce((sum, count) => sum + count, 0),
      retries: attempts.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    },
    collateral: collateral.counts,
    exitCode,
    said: gateway.lastWords,
    faults: faults.counts,
  };
}
