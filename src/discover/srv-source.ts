// Targets by the SRV records of a service (RFC 2782): each address of each host, with the record's share and priority.
import type { SrvPlan, TargetPlan } from "../config/upstream/plan.ts";
import type { ServiceRecord } from "../http/names.ts";
import { type Addresses, inOrder, Lookup, type LookupNeeds, NO_TTL_MS, targetAt } from "./lookup.ts";
import type { Source } from "./refresh.ts";

/** How many hosts are looked up at once. */
const AT_ONCE = 16;
/** The weight of a record of weight 1 and one address; that of weight 0 is 1. */
const SCALE = 100;

/** A record, and the addresses of its host. */
export interface LocatedService extends Omit<ServiceRecord, "name"> {
  readonly addresses: readonly string[];
}

/** Asks for the SRV records of the service, then for the addresses of their hosts. */
export function srvSource(plan: SrvPlan, platform: LookupNeeds): Source {
  const lookup = new Lookup(plan, platform);
  return {
    what: `the hosts of ${plan.service}`,
    async find(signal) {
      const records = await platform.names!.services(plan.service, plan.servers);
      // A single "." says that the service decidedly is not there.
      const named = records.filter(({ name }) => name !== "" && name !== ".");
      if (named.length === 0) throw new Error("there are none");
      const names = [...new Set(named.map(({ name }) => name))];
      lookup.keep(new Set(names));
      const found = new Map<string, Addresses>();
      for (let at = 0; at < names.length && !signal.aborted; at += AT_ONCE) {
        const some = names.slice(at, at + AT_ONCE);
        const answers = await Promise.all(some.map((name) => lookup.addresses(name)));
        for (const [i, answer] of answers.entries()) found.set(some[i]!, answer);
      }
      const all = [...found.values()];
      const failure = all.find((each) => each.failure !== undefined)?.failure;
      if (!all.some(({ heard }) => heard)) throw new Error(failure);
      const targets = serviceTargets(
        named.map(({ name, ...record }) => ({ ...record, addresses: found.get(name)?.addresses ?? [] })),
        plan,
      );
      if (targets.length === 0) throw new Error("none has an address");
      const ttlMs = Math.min(NO_TTL_MS, ...all.map((each) => each.ttlMs));
      return { targets: inOrder(targets), againMs: lookup.againMs(ttlMs), lacks: failure };
    },
    retryMs: (failures) => lookup.retryMs(failures),
  };
}

/**
 * The targets of records. A record's weight is shared by the addresses of its host; 0 is the least share, not none. Places
 * that several records name are one target.
 */
export function serviceTargets(
  records: readonly LocatedService[],
  { secure, domain }: Pick<SrvPlan, "secure" | "domain">,
): TargetPlan[] {
  const targets = new Map<string, TargetPlan>();
  const as = { secure, name: domain, authority: domain };
  for (const { addresses, port, priority, weight } of records) {
    const share = Math.max(1, Math.round((weight * SCALE) / Math.max(1, addresses.length)));
    for (const address of addresses) {
      const target = { ...targetAt(address, port, as, share), priority };
      const twin = targets.get(target.url);
      if (twin === undefined || priority < twin.priority!) targets.set(target.url, target);
      else if (priority === twin.priority) targets.set(target.url, { ...twin, weight: twin.weight + share });
    }
  }
  const all = [...targets.values()];
  const unit = all.reduce((common, { weight }) => commonDivisor(common, weight), 0);
  return all.map((target) => ({ ...target, weight: target.weight / unit }));
}

function commonDivisor(one: number, other: number): number {
  return other === 0 ? one : commonDivisor(other, one % other);
}
