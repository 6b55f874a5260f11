// Targets by the addresses of a name: a target for each.
import type { DnsPlan } from "../config/upstream/plan.ts";
import { inOrder, Lookup, type LookupNeeds, targetAt } from "./lookup.ts";
import type { Source } from "./refresh.ts";

/** Asks for the A and AAAA records of the name. */
export function dnsSource(plan: DnsPlan, platform: LookupNeeds): Source {
  const lookup = new Lookup(plan, platform);
  return {
    what: `the addresses of ${plan.name}`,
    async find() {
      const { addresses, ttlMs, failure, heard } = await lookup.addresses(plan.name);
      if (!heard) throw new Error(failure);
      if (addresses.length === 0) throw new Error("there are none");
      return {
        targets: inOrder(addresses.map((address) => targetAt(address, plan.port, plan, 1))),
        againMs: lookup.againMs(ttlMs),
        lacks: failure,
      };
    },
    retryMs: (failures) => lookup.retryMs(failures),
  };
}
