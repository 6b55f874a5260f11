// What passes from a gateway to the process that takes its place: listening sockets, and what limits have counted.
import { addCounted } from "../../counts.ts";
import type { Gateway } from "../../gateway.ts";
import type { BunPlatform, HandedSockets } from "../../platforms/bun.ts";
import type { Counted, Counts } from "../../shared.ts";
import type { Issuing } from "../issuing.ts";
import { obey, type Orders, ordersOf } from "./orders.ts";

/** Told of what is counted that another process has a table for already. */
export type Told = ((counted: Counted) => void) | undefined;

/** A gateway as another process comes to have it, or as it has come from one. */
export interface Handing {
  /** Its listening sockets now. @throws Error when a worker cannot tell its own */
  sockets(): Promise<HandedSockets>;
  /** From now on it accepts, or who connects waits. @throws Error when that cannot be; then perhaps some accept and some do not */
  accept(accepts: boolean): Promise<void>;
  /** What limits count in; undefined without limits. */
  readonly counts: Counts | undefined;
  /** See handCounts. While somebody is told, the counts are not kept in a snapshot at the end. */
  tell(told: Told): void;
  /** Counts what the process before has counted since it handed its counts over. */
  add(counted: readonly Counted[]): void;
  /** What operators have said: drained targets, revoked keys. */
  orders(): Orders;
  /** Makes such orders of another process hold here. */
  obey(orders: Orders): void;
  /** The sockets are the other process's. */
  letGo(): void;
  /** This process is the gateway: what only one at a time may do begins. */
  begin(): void;
}

/** How a gateway of this thread is handed over, and takes over. */
export function handingHere(gateway: Gateway, platform: BunPlatform, issuing: Issuing): Handing {
  const { listening, forAdmin } = platform;
  return {
    // eslint-disable-next-line typescript/require-await
    sockets: async () => ({ gateway: listening.sockets, admin: forAdmin.listening.sockets }),
    // eslint-disable-next-line typescript/require-await
    async accept(accepts) {
      for (const sockets of [listening, forAdmin.listening]) {
        if (accepts) sockets.resume();
        else sockets.pause();
      }
    },
    get counts() {
      return gateway.counts;
    },
    tell(told) {
      if (gateway.counts !== undefined) gateway.counts.told = told;
    },
    add(counted) {
      if (gateway.counts !== undefined) addCounted(counted, gateway.counts, platform, gateway.counts.told);
    },
    orders: () => ordersOf(gateway.targets, gateway.keys),
    obey: (orders) => obey(orders, gateway.targets, gateway.keys),
    begin: () => issuing.start(),
    letGo() {
      for (const sockets of [listening, forAdmin.listening]) sockets.handOver();
    },
  };
}
