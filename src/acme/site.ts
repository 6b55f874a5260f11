// A host name, and the certificate that it has.
import type { IssuedCertificate } from "../issued.ts";
import type { Platform } from "../platform.ts";
import { certificateId } from "./certificate-id.ts";
import type { Obtained } from "./order.ts";
import type { DomainRecord, Failures } from "./storage.ts";
import { type Lifetime, LONGEST_LOOK_MS, LONGEST_PAUSE_MS, renewalOf } from "./times.ts";

/** A certificate that the listener shows now. */
export interface Held extends IssuedCertificate, Lifetime {
  /** How the authority knows it, where it can be asked when to renew. */
  readonly id: string | undefined;
}

/** One host name that certificates are issued for, and what is known of it. */
export class Site {
  readonly domain: string;
  held: Held | undefined = undefined;
  /** What is not on the disk yet, and when it was issued. */
  unsaved: (Obtained & { readonly at: number }) | undefined = undefined;
  /** Another process does what is due: until then nobody looks. Milliseconds since the epoch. */
  busyUntil = 0;
  /** Where in the time of renewal it is: the same for as long as the process runs. */
  readonly chance: number;

  constructor(domain: string, chance: number) {
    this.domain = domain;
    this.chance = chance;
  }
}

/** Whatever an authority says, a certificate that it has just issued is kept for so long. */
const KEPT_MS = 60 * 60_000;

/**
 * When the certificate is renewed: as the authority says, else by what its lifetime was when it was issued; now where
 * there is none.
 */
export function renewalAt({ held, chance }: Site, { look, obtained }: DomainRecord): number {
  if (held === undefined) return 0;
  // By a clock that is wrong, the better part of the lifetime may seem to be over at once.
  const byLife = renewalOf({ ...held, notBefore: Math.max(held.notBefore, obtained ?? 0) }, chance);
  if (look?.at === undefined || look.id !== held.id) return byLife;
  return obtained === undefined ? look.at : Math.max(look.at, Math.min(obtained + KEPT_MS, byLife));
}

/**
 * When something is to be done for a host name: a certificate got or written, or the authority asked when to renew; not
 * before the pauses after failures are over.
 */
export function dueAt(
  site: Site,
  record: DomainRecord,
  failures: readonly (Failures | undefined)[],
  now: number,
): number {
  // What is further away than it can be was written by a clock that was ahead.
  const soon = (at: number, mostMs: number): number => (at > now + mostMs ? 0 : at);
  const { held, unsaved, busyUntil } = site;
  const { look } = record;
  const looks = held?.id === undefined ? Infinity : look?.id === held.id ? soon(look.next, LONGEST_LOOK_MS) : 0;
  const wanted = unsaved === undefined ? Math.min(renewalAt(site, record), looks) : 0;
  const paused = failures.map((each) => (each === undefined ? 0 : soon(each.next, LONGEST_PAUSE_MS)));
  return Math.max(wanted, soon(busyUntil, LONGEST_PAUSE_MS), ...paused);
}

/** A certificate as the listener shows it for a host name; or why it cannot be shown. */
export function held(domain: string, { cert, key }: Obtained, platform: Pick<Platform, "certificate">): Held | string {
  const facts = platform.certificate?.(cert);
  if (facts === undefined) return "it is no certificate";
  if (facts.owns(key) !== true) return "the key belongs to another certificate";
  if (!facts.names.includes(domain)) return `the certificate is for ${facts.names.slice(0, 5).join(", ")}`;
  const { notBefore, notAfter } = facts;
  if (!(notBefore < notAfter)) return "it never holds";
  return { cert, key, names: [domain], notBefore, notAfter, id: certificateId(cert) };
}
