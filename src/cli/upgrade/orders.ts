// What operators have said of targets and keys while a process ran: it holds in the one that takes its place, too.
import type { TargetControls } from "../../admin/overseen.ts";
import type { KeyControl, Revocation } from "../../key-control.ts";

/** What operators have said at the admin listener, as plain values. */
export interface Orders {
  /** Targets that get no new request. */
  readonly drained: readonly { readonly upstream: string; readonly url: string }[];
  /** API keys that are good no more. */
  readonly revoked: readonly Revocation[];
}

/** No target drained, no key revoked. */
export const NO_ORDERS: Orders = { drained: [], revoked: [] };

/** The targets that operators have drained here, and the keys that they have revoked. */
export function ordersOf(targets: TargetControls, keys: KeyControl | undefined): Orders {
  const drained = targets
    .list()
    .flatMap(({ name: upstream, targets }) =>
      targets.filter(({ state }) => state === "drained").map(({ url }) => ({ upstream, url })),
    );
  return { drained, revoked: keys?.revocations() ?? [] };
}

/** Has it hold here; what is not here any more is left out. */
export function obey({ drained, revoked }: Orders, targets: TargetControls, keys: KeyControl | undefined): void {
  for (const { upstream, url } of drained) targets.drain(upstream, url, true);
  keys?.take(revoked);
}
