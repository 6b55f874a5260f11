// Looking up the addresses of names for a source: both families, the times after which to ask again.
import type { LookupPlan, TargetPlan } from "../config/upstream/plan.ts";
import { messageOf } from "../errors.ts";
import { normalAddress } from "../http/ip.ts";
import type { AddressRecord } from "../http/names.ts";
import type { Platform } from "../platform.ts";
import { bracket } from "./target-url.ts";

/** What of a platform looking up needs. */
export type LookupNeeds = Pick<Platform, "names" | "random">;

/** How long what nobody gives a TTL is taken for true. */
export const NO_TTL_MS = 30_000;
/** Whoever fails is asked again after so long at most. */
const MOST_RETRY_MS = 30_000;
/** Gateways that began at the same time do not ask at the same time for ever: up to so much sooner. */
const JITTER = 0.1;

/** The addresses of a host name, and for how long they are good. */
export interface Addresses {
  /** In their one spelling, none twice. */
  readonly addresses: readonly string[];
  /** When they are to be asked for again. */
  readonly ttlMs: number;
  /** Why a family of addresses is as it was; undefined when all were told anew. */
  readonly failure: string | undefined;
  /** Whether any of the families was answered for. */
  readonly heard: boolean;
}

/** Looks up names. A family of addresses that cannot be asked for keeps those it had. */
export class Lookup {
  readonly #plan: LookupPlan;
  readonly #platform: LookupNeeds;
  /** The last addresses, by family and name. */
  readonly #known = new Map<string, readonly AddressRecord[]>();

  constructor(plan: LookupPlan, platform: LookupNeeds) {
    this.#plan = plan;
    this.#platform = platform;
  }

  /** The addresses of a host name, those known last where the lookup fails. Never rejects. */
  async addresses(name: string): Promise<Addresses> {
    const { families, servers } = this.#plan;
    const names = this.#platform.names!;
    const answers = await Promise.allSettled(families.map((family) => names.addresses(name, family, servers)));
    const records = answers.flatMap((answer, i) => {
      const key = `${families[i]} ${name}`;
      if (answer.status === "fulfilled") this.#known.set(key, answer.value);
      return this.#known.get(key) ?? [];
    });
    const failed = answers.filter((answer) => answer.status === "rejected");
    return {
      addresses: [...new Set(records.flatMap(({ address }) => normalAddress(address) ?? []))],
      ttlMs: Math.min(failed.length > 0 ? NO_TTL_MS : Infinity, ...records.map(({ ttlMs = NO_TTL_MS }) => ttlMs)),
      failure: failed.length > 0 ? messageOf(failed[0]!.reason) : undefined,
      heard: failed.length < answers.length,
    };
  }

  /** Forgets the names that are not among these. */
  keep(names: ReadonlySet<string>): void {
    for (const key of this.#known.keys()) if (!names.has(key.slice(2))) this.#known.delete(key);
  }

  /** When to ask again for what is true for so long. */
  againMs(ttlMs: number): number {
    const { minMs, maxMs } = this.#plan;
    const [word] = this.#platform.random(1);
    const share = (word! >>> 0) / 2 ** 32;
    return Math.max(minMs, Math.min(ttlMs, maxMs) * (1 - JITTER * share));
  }

  retryMs(failures: number): number {
    const { minMs, maxMs } = this.#plan;
    return Math.min(minMs * 2 ** Math.min(failures - 1, 20), Math.max(MOST_RETRY_MS, minMs), maxMs);
  }
}

/** The target at an address that was found by a name. Its URL is that of the address, always with a port. */
export function targetAt(
  address: string,
  port: number,
  of: Pick<TargetPlan, "secure" | "authority"> & { readonly name: string },
  weight: number,
): TargetPlan {
  const { secure, authority, name } = of;
  const url = `${secure ? "https" : "http"}://${bracket(address)}:${port}`;
  return { url, secure, host: address, port, authority, name, weight };
}

/** In one order, by priority and URL: servers of names change theirs with each answer. */
export function inOrder(targets: readonly TargetPlan[]): readonly TargetPlan[] {
  const place = ({ priority = 0, url }: TargetPlan): string => `${String(priority).padStart(5, "0")} ${url}`;
  return targets.toSorted((one, other) => (place(one) < place(other) ? -1 : 1));
}
