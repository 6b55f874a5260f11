// Plays a story in a world of its own, to its end: whatever happened, every clock has run out afterwards.
import type { MiddlewareHandler } from "hono";
import type { GatewayOptions } from "../../src/config/options.ts";
import { World } from "../support/fake-world.ts";
import { ClientActor, type Given, SMUGGLED, TargetActor, type TargetConnectionActor } from "./actors.ts";
import type { AnswerPlan, Setting, Step, Story } from "./story.ts";

/** What a story has come to. */
export interface Played {
  readonly story: Story;
  readonly world: World;
  readonly clients: readonly ClientActor[];
  readonly targets: readonly TargetActor[];
  readonly drained: boolean;
  /** Paths of requests that their targets were kept busy with although their client had reset its connection. */
  readonly kept: readonly string[];
  /** Answers that had gone out whole when the last step was done. */
  readonly sentInTime: readonly Given[];
}

const pass: MiddlewareHandler = (_, next) => next();

/** Long enough for every clock of the setting, one after another. */
const ALL_CLOCKS = 3000;

/** What sends requests again; most attempts are three, as without. */
const RETRIES = {
  perTry: "85ms",
  backoff: { base: "15ms", max: "20ms" },
  replay: "32KiB",
  budget: { min: 1000 },
} as const;
const AGAIN = { no: {}, retries: { retries: RETRIES }, hedge: { retries: RETRIES, hedge: { after: "30ms" } } } as const;

function optionsOf({
  targets,
  halfClose,
  max,
  maxWaiting,
  maxIdle,
  maxAge,
  places,
  queue,
  again,
}: Setting): GatewayOptions {
  return {
    listen: { halfClose, timeouts: { head: "60ms", keepAlive: "150ms", body: "70ms", send: "80ms" }, maxHead: "2KiB" },
    upstreams: {
      up: {
        targets: ["http://a.test", "http://b.test"].slice(0, targets),
        timeouts: { connect: "50ms", firstByte: "90ms", idle: "65ms" },
        keepAlive: { idle: "75ms", maxIdle, maxAge },
        connections: { max, maxWaiting, wait: "40ms" },
        ejection: false,
        ...AGAIN[again],
      },
    },
    inFlight: { places: { max: places, by: "upstream", queue, ...(queue > 0 && { wait: "45ms" }) } },
    routes: {
      up: { match: "/up/*", to: "up", inFlight: "places" },
      used: { match: "/used/*", to: "up", use: [pass], inFlight: "places" },
      fixed: { match: "/fixed/*", answer: { body: "fixed" } },
      own: { match: "/own/*", handler: ({ c }) => c.text("own") },
      free: { match: "/free/*", to: "up", inFlight: "places" },
    },
    shutdown: { grace: "120ms" },
  };
}

/** Plays it. */
export function play(story: Story): Played {
  const { setting } = story;
  const world = new World(optionsOf(setting));
  const { network, clock } = world.platform;
  network.joins = setting.joins;
  network.looksLate = setting.looksLate;
  network.resetOvertakes = setting.resetOvertakes;
  network.capacity = setting.capacity;
  let choice = 0;
  clock.choose = (count) => story.choices[choice++ % story.choices.length]! % count;
  let answer = 0;
  const next = (): AnswerPlan => story.answers[answer++ % story.answers.length]!;
  const targets = Object.values(world.targets).map((target) => new TargetActor(target, next));
  const clients = story.clients.map((plan, i) => new ClientActor(world.client(), i, plan));
  let drained = false;
  const kept: string[] = [];

  const connection = (number: number): TargetConnectionActor | undefined => {
    const alive = targets.flatMap((target) => target.alive);
    return alive[number % Math.max(alive.length, 1)];
  };
  const perform = (step: Step): void => {
    switch (step.act) {
      case "send":
        return clients[step.client % clients.length]!.send(step.bytes);
      case "hold":
        clients[step.client % clients.length]!.held = true;
        return clients[step.client % clients.length]!.peer.hold();
      case "read":
        return clients[step.client % clients.length]!.peer[step.act]();
      case "end":
      case "leave":
      case "reset":
        return clients[step.client % clients.length]!.go(step.act);
      case "answer":
        return connection(step.target)?.send(step.bytes);
      case "target-end":
        return connection(step.target)?.go("end");
      case "target-reset":
        return connection(step.target)?.go("reset");
      case "target-hold":
        return connection(step.target)?.peer.hold();
      case "target-read":
        return connection(step.target)?.peer.read();
      case "unasked": {
        // While nothing is under way: bytes that cross a request on the wire cannot be told from its answer.
        world.settle();
        const actor = connection(step.target);
        if (actor?.idle === true) actor.peer.send(SMUGGLED);
        return world.settle();
      }
      case "reception":
        targets[step.target % targets.length]!.peer.reception = step.reception;
        return;
      case "proceed":
        return network.hanging.shift()?.proceed(step.reception);
      case "advance":
        return clock.advance(step.ms);
      case "rush":
        return clock.rush(step.ms);
      case "happen":
        for (let i = 0; i < step.count; i++) clock.step();
        return;
      case "drain":
        drained = true;
        void world.gateway.drain();
    }
  };
  for (const [step, settles] of story.steps) {
    perform(step);
    if (!settles) continue;
    clock.settle();
    kept.push(...keptFor(clients, targets));
  }
  const sentInTime = targets.flatMap((target) => target.connections.flatMap((each) => each.sentWhole));
  runOut(world, clients, targets);
  return { story, world, clients, targets, drained, kept, sentInTime };
}

/** What targets still owe to clients that have reset their connections, while the gateway holds the target's. */
function keptFor(clients: readonly ClientActor[], targets: readonly TargetActor[]): string[] {
  const gone = clients
    .filter((client) => client.gone === "reset")
    .flatMap(({ lines }) => lines.map(({ path }) => path));
  return targets
    .flatMap(({ connections }) => connections)
    .filter(({ peer, owes }) => owes && !peer.socket.peer.gone)
    .map(({ peer }) => peer.requests.at(-1)!.target)
    .filter((path) => gone.includes(path));
}

/** Everybody reads, nobody says anything more, and time passes. Tunnels have no clock: their clients end them. */
function runOut(world: World, clients: readonly ClientActor[], targets: readonly TargetActor[]): void {
  for (const { peer } of clients) peer.read();
  for (const { connections } of targets) for (const { peer } of connections) peer.read();
  world.settle();
  world.advance(ALL_CLOCKS);
  for (const client of clients) if (client.peer.answers.at(-1)?.status === 101) client.go("reset");
  world.advance(ALL_CLOCKS);
  // Who has seen the end closes too.
  for (const { peer } of clients) if (peer.ending === "fin") peer.socket.leave();
  world.settle();
}
