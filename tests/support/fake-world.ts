// A whole gateway in the fake world, its clients and targets, and the check that nothing is left behind.
import { expect } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { sentenceOf, formatPath } from "../../src/config/message.ts";
import { isCounted, type Plan } from "../../src/config/plan.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { createGateway, type Gateway, type Prepared } from "../../src/gateway.ts";
import { LatestIssued } from "../../src/issued.ts";
import { Metrics } from "../../src/record/metrics.ts";
import { FakeClient, FakeTarget } from "../../src/platforms/fake/peers.ts";
import type { FakeSocket } from "../../src/platforms/fake/socket.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

/** A line of the access log. */
export interface LoggedRecord {
  readonly request_id: string;
  readonly "http.request.method"?: string;
  readonly "url.path"?: string;
  readonly "http.response.status_code"?: number;
  readonly "http.request.body.size": number;
  readonly "http.response.body.size": number;
  /** Seconds. */
  readonly duration: number;
  readonly "error.type"?: string;
  readonly "sluice.attempts"?: number;
  readonly "sluice.attempted"?: readonly { readonly "error.type"?: string }[];
  readonly "sluice.target"?: string;
  readonly "sluice.upstream_status"?: number;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

const HOUR = 3_600_000;

/** Options of a gateway with the upstream `up` at a.test, and the route `/*` to it. */
export function toUpstream(
  upstream: Partial<NonNullable<GatewayOptions["upstreams"]>[string]> = {},
  more: Partial<GatewayOptions> = {},
): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"], ...upstream } },
    routes: { all: { match: "/*", to: "up" } },
    ...more,
  };
}

/** A gateway that listens in a world of its own. */
export class World {
  readonly platform = new FakePlatform();
  readonly gateway: Gateway;
  /** Filled where the options have `admin` or `otlp`. */
  readonly metrics = new Metrics(this.platform.wallClock());
  /** What an authority has issued: for options that have `listen.tls.acme`. */
  readonly issued = new LatestIssued();
  readonly targets: Record<string, FakeTarget> = {};
  readonly #files: Readonly<Record<string, string>>;
  readonly #clients: FakeClient[] = [];

  /** @param files texts by absolute path, which the gateway watches */
  constructor(options: GatewayOptions, files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.platform.files.write(path, text);
    this.#files = files;
    const plan = this.#planOf(options);
    this.gateway = createGateway(plan, this.platform, {
      metrics: isCounted(plan) ? this.metrics : undefined,
      issued: this.issued,
    });
    this.gateway.listen();
  }

  /** Another config takes over. `over` is told once the gateway has no more to do with it. */
  reload(options: GatewayOptions, over?: () => void): void {
    this.prepare(options, over).take();
  }

  /** Builds another config, to the side. */
  prepare(options: GatewayOptions, over?: () => void): Prepared {
    return this.gateway.prepare(this.#planOf(options), over);
  }

  /** Builds another config, which never runs. */
  reloadInVain(options: GatewayOptions): void {
    this.prepare(options).drop();
  }

  /** Its targets exist from now on. */
  #planOf(options: GatewayOptions): Plan {
    const { plan, faults } = resolvePlan(
      { ...options, log: options.log ?? { format: "json" } },
      { env: () => undefined, file: (path) => this.#files[path], locate: (path) => path },
    );
    if (plan === undefined) throw new Error(faults.map((f) => `${formatPath(f.path)}: ${sentenceOf(f)}`).join("\n"));
    const services = plan.auth.schemes.flatMap((scheme) => ("upstream" in scheme ? [scheme.upstream] : []));
    for (const { host, port } of [...Object.values(plan.upstreams), ...services].flatMap(({ targets }) => targets)) {
      this.targets[host.replace(/\..*/, "")] ??= new FakeTarget(this.platform.network, `${host}:${port}`);
    }
    return plan;
  }

  /** The target a.test. */
  get a(): FakeTarget {
    return this.targets["a"]!;
  }

  /** The target b.test. */
  get b(): FakeTarget {
    return this.targets["b"]!;
  }

  /** A new connection to the gateway. */
  client(port = 8080): FakeClient {
    const { network, clock } = this.platform;
    const client = new FakeClient(network.dial(`0.0.0.0:${port}`), () => clock.time);
    this.#clients.push(client);
    return client;
  }

  /** A client whose request has been sent and has come as far as it gets. */
  ask(method: string, target: string, fields: readonly string[] = [], content = ""): FakeClient {
    const client = this.client();
    client.request(method, target, fields, content);
    this.settle();
    return client;
  }

  /** Lets all that is ready happen. */
  settle(): void {
    this.platform.clock.settle();
  }

  /** As `settle`, for the user's own code: what the runtime does for it in turns of its own loop is waited for too. */
  async rest(): Promise<void> {
    const { clock } = this.platform;
    for (let quiet = 0, before = -1; quiet < 5; quiet++) {
      this.settle();
      if (clock.happened !== before) quiet = 0;
      before = clock.happened;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Waits for what threads of the runtime do: hashes and signatures. An error when it does not come. */
  async until(what: string, is: () => boolean): Promise<void> {
    for (const began = performance.now(); !is();) {
      if (performance.now() - began > 5000) throw new Error(`waited in vain for ${what}`);
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.settle();
    }
  }

  /** Moves the clock. */
  advance(ms: number): void {
    this.platform.clock.advance(ms);
  }

  /** The records so far, in order. */
  get records(): LoggedRecord[] {
    return this.platform.lines.map((line) => JSON.parse(line) as LoggedRecord);
  }

  /** The only record there is; an error when there are none or several. */
  get record(): LoggedRecord {
    const { lines } = this.platform;
    if (lines.length !== 1) throw new Error(`${lines.length} records: ${lines.join("\n")}`);
    return this.records[0]!;
  }

  /** Exchanges that have begun: each asks for one id, and the gateway asked for one of its own. */
  get exchanges(): number {
    return this.platform.uuids - 1;
  }

  /**
   * The end of a test: idle connections run out, the gateway drains, and nothing may be left: no socket, no timer, no
   * exchange without its record.
   */
  close(): void {
    const { network, clock } = this.platform;
    this.settle();
    for (const client of this.#clients) client.end();
    void this.gateway.drain();
    this.advance(HOUR);
    const names = (ends: Iterable<FakeSocket>): string[] => [...ends].map(({ name }) => name);
    expect(this.platform.fakeRedis.open.size).toBe(0);
    expect(names([...network.open].filter(({ isOurs }) => isOurs))).toEqual([]);
    for (const socket of [...network.open]) socket.end();
    this.settle();
    expect(names(network.open)).toEqual([]);
    this.advance(30 * 24 * HOUR);
    expect({ timers: clock.timers, faults: network.faults, hanging: network.hanging.length }).toEqual({
      timers: 0,
      faults: [],
      hanging: 0,
    });
    expect(new Set(this.records.map(({ request_id }) => request_id)).size).toBe(this.exchanges);
    expect(this.platform.lines).toHaveLength(this.exchanges);
    expect(this.platform.notices).toEqual([]);
  }
}

/** As `inWorld`, for stories that wait for the user's own code. */
export async function inWorldOf(
  options: GatewayOptions,
  story: (world: World) => Promise<void>,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const world = new World(options, files);
  await story(world);
  await world.rest();
  world.close();
}

/** Runs a test in a world of its own, and looks at what is left behind. */
export function inWorld(
  options: GatewayOptions,
  story: (world: World) => void,
  files: Readonly<Record<string, string>> = {},
): void {
  const world = new World(options, files);
  story(world);
  world.close();
}
