// A whole gateway in a test: its network, clock and files are the test's own; nothing of the machine is touched.
import { createHash } from "node:crypto";
import { isCounted, type Plan } from "../../config/plan.ts";
import { resolvePlan } from "../../config/resolve.ts";
import { createGateway, type Gateway } from "../../gateway.ts";
import { Metrics } from "../../record/metrics.ts";
import { send } from "./client.ts";
import { addressOf, FakeAddress, FakeUpstream } from "./fake-upstream.ts";
import type { Seen, TestClock, TestGateway, TestGatewayOptions, TestRequest, TestUpstream } from "./options.ts";
import { HandMovedClock } from "./clock.ts";
import { running } from "./running.ts";
import { TestWorld } from "./world.ts";

/** The hash of an API key, as a config holds it. */
export function keyHash(key: string): `sha256:${string}` {
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** Names of the upstreams of a config. */
type UpstreamsOf<C> = C extends { readonly upstreams?: infer U } ? Extract<keyof NonNullable<U>, string> : string;

/**
 * Runs a gateway of this config until the test ends. Limits are counted in its own memory, whatever store the config has.
 * @throws Error that lists all that is wrong with the config, each fault with its place
 */
export async function gateway<const C extends object>(
  config: C,
  options: TestGatewayOptions = {},
): Promise<TestGateway<UpstreamsOf<C>>> {
  const world = new TestWorld(options, running().reader);
  const plan = await planOf(config, world);
  return new GatewayUnderTest(plan, world);
}

async function planOf(config: object, world: TestWorld): Promise<Plan> {
  const { plan, faults } = resolvePlan(config, world.reader);
  if (plan === undefined) throw await running().explain(config, faults);
  return { ...plan, workers: 1, limits: { ...plan.limits, store: undefined } };
}

class GatewayUnderTest implements TestGateway {
  readonly clock: TestClock;
  readonly #plan: Plan;
  readonly #world: TestWorld;
  readonly #gateway: Gateway;
  readonly #listener: string;
  readonly #addresses = new Map<string, FakeAddress>();
  readonly #seen: Seen[] = [];
  /** Requests that have no answer yet. */
  readonly #pending = new Set<string>();

  constructor(plan: Plan, world: TestWorld) {
    this.#plan = plan;
    this.#world = world;
    this.clock = new HandMovedClock(world, (ms) => running().showDate(ms));
    world.fetch = (request) => this.#fetched(request);
    for (const { targets, health } of Object.values(plan.upstreams)) {
      for (const { host, port } of targets) {
        const address = this.#addressAt(`${host}:${port}`);
        if (health?.kind !== "http") continue;
        // A forwarded request always has an id.
        address.isCheck = ({ path, headers }) => path === health.path && !headers.has("x-request-id");
      }
    }
    const metrics = isCounted(plan) ? new Metrics(world.wallClock()) : undefined;
    this.#gateway = createGateway(plan, world, { metrics });
    const { host, port } = this.#gateway.listen();
    this.#listener = `${host}:${port}`;
    world.goOn();
    running().opened({ close: () => this.#close(), pending: this.#pending });
  }

  async fetch(url: string, request: TestRequest = {}): Promise<Response> {
    await this.#gateway.ready;
    const name = `${request.method ?? "GET"} ${url}`;
    this.#pending.add(name);
    try {
      return await send(this.#world.network, this.#listener, url, request);
    } finally {
      this.#pending.delete(name);
    }
  }

  upstream(name: string): TestUpstream {
    const upstream = this.#plan.upstreams[name];
    if (upstream === undefined) {
      throw new Error(`There is no upstream "${name}". Upstreams: ${Object.keys(this.#plan.upstreams).join(", ")}.`);
    }
    const addresses = upstream.targets.map(({ host, port }) => this.#addressAt(`${host}:${port}`));
    return new FakeUpstream(`upstream ${name}`, addresses, this.#seen);
  }

  origin(url: string): TestUpstream {
    return new FakeUpstream(url, [this.#addressAt(addressOf(url))], this.#seen);
  }

  get log(): readonly string[] {
    return this.#world.lines;
  }

  get notices(): readonly string[] {
    return this.#world.notices.map(({ level, text }) => `${level}: ${text}`);
  }

  rest(): Promise<void> {
    return this.#world.rest();
  }

  #addressAt(address: string): FakeAddress {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    const made = new FakeAddress(this.#world, address, (seen) => this.#seen.push(seen));
    this.#addresses.set(address, made);
    return made;
  }

  #fetched(request: Request): Promise<Response> {
    const address = this.#addresses.get(addressOf(request.url));
    if (address !== undefined) return address.fetch(request);
    return Promise.reject(new TypeError(`nobody is at ${new URL(request.url).origin} in this test: see g.origin`));
  }

  #close(): void {
    this.#world.stop();
    this.#gateway.close();
  }
}
