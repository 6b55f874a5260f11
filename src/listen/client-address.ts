// Who the client is: the connection's other end, or whom a trusted proxy names (case GW-08).
import { normalAddress } from "../http/ip.ts";
import type { Fields } from "../http/fields.ts";

/** What {@link clientAddress} found. */
export interface ClientAddress {
  /** The client's address in its one spelling. */
  readonly client: string;
  /** Whether the peer is a trusted proxy, so that what it says of the client counts. */
  readonly trusted: boolean;
}

/**
 * Reads the client's address. A peer that is not trusted is the client, whatever it says. For one that is, the
 * addresses of `X-Forwarded-For`, all its lines, are walked from the right: each was written by the one to its right, so
 * the walk goes on while that one is trusted. The first that is not trusted is the client; when all are, the leftmost.
 * An entry that is no address ends the walk at the last good one, for nothing beyond it can be believed.
 *
 * @param trusted whether an address is one of `listen.trustedProxies`.
 */
export function clientAddress(trusted: (address: string) => boolean, peer: string, fields: Fields): ClientAddress {
  if (!trusted(peer)) return { client: peer, trusted: false };
  const list = fields.joined("x-forwarded-for");
  let client = peer;
  let end = list === undefined ? -1 : list.length;
  while (end >= 0) {
    const comma = end === 0 ? -1 : list!.lastIndexOf(",", end - 1);
    const address = normalAddress(list!.slice(comma + 1, end).trim());
    if (address === undefined) break;
    client = address;
    if (!trusted(address)) break;
    end = comma;
  }
  return { client, trusted: true };
}
