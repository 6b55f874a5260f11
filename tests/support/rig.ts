// One gateway and its origins for the tests of one describe block.
import { afterAll, beforeAll, describe } from "bun:test";
import { startGateway, type Config, type Gateway, type StartOptions } from "./executable.ts";
import { exchange, connect, type RawClient, type ReceiveOptions } from "./raw-client.ts";
import type { Bytes } from "./byte-writer.ts";
import type { ReceivedResponse } from "./message-reader.ts";
import { startOrigin, type OriginOptions, type RawOrigin } from "./raw-origin.ts";
import { missing, type Tool } from "./requirements.ts";

/** What to start. */
export interface RigOptions<N extends string> {
  /** Origins by name. A function when certificates must be made first. */
  readonly origins: Readonly<Record<N, OriginOptions>> | (() => Readonly<Record<N, OriginOptions>>);
  /** The gateway's config, once the origins have their ports. */
  readonly config: (origins: Readonly<Record<N, RawOrigin>>) => Config;
  readonly start?: StartOptions;
  /** Tools it needs; without one the block is skipped and its name says why. */
  readonly needs?: readonly Tool[];
}

/** The running parts. Touch them inside tests only. */
export interface Rig<N extends string> {
  readonly gateway: Gateway;
  readonly origins: Readonly<Record<N, RawOrigin>>;
  /** Connects to the gateway. */
  connect(): Promise<RawClient>;
  /** One request and its response over a connection of its own. */
  exchange(bytes: Bytes, options?: ReceiveOptions): Promise<ReceivedResponse>;
}

/** Describes tests that share one gateway. It is started before the first and stopped, cleanly, after the last. */
export function withGateway<N extends string>(
  title: string,
  options: RigOptions<N>,
  tests: (rig: Rig<N>) => void,
): void {
  const lack = missing(...(options.needs ?? []));
  if (lack !== undefined) {
    describe.skip(`${title} (skipped: ${lack})`, () => tests(undefined as never));
    return;
  }
  describe(title, () => {
    const origins = {} as Record<N, RawOrigin>;
    let gateway: Gateway | undefined;
    const running = (): Gateway => {
      if (gateway === undefined) throw new Error("the gateway is not running");
      return gateway;
    };
    beforeAll(async () => {
      const plans = typeof options.origins === "function" ? options.origins() : options.origins;
      for (const name of Object.keys(plans) as N[]) origins[name] = await startOrigin(plans[name]);
      gateway = await startGateway(options.config(origins), options.start);
    });
    const clients: RawClient[] = [];
    afterAll(async () => {
      // A test that failed may have left its clients open.
      for (const client of clients) client.close();
      try {
        await gateway?.stop();
      } finally {
        await Promise.all(Object.values<RawOrigin>(origins).map((origin) => origin.stop()));
      }
    });
    tests({
      get gateway() {
        return running();
      },
      origins,
      connect: async () => {
        const client = await connect(running().port);
        clients.push(client);
        return client;
      },
      exchange: (bytes, receive) => exchange(running().port, bytes, receive),
    });
  });
}

let counter = 0;

/** A path nobody else uses, so that tests may share an origin at the same time. */
export function ownPath(prefix = "/t"): string {
  counter += 1;
  return `${prefix}/${counter}`;
}
