// Names of the network, as an edge looks them up: what is asked, and the records that come.

/** An address that a name stands for. */
export interface AddressRecord {
  readonly address: string;
  /** How long it may be taken for true; undefined where nobody says. */
  readonly ttlMs: number | undefined;
}

/** An SRV record (RFC 2782). The runtimes do not tell its TTL. */
export interface ServiceRecord {
  /** Without a dot at the end; "" for a service that decidedly is not there. */
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Names of the network, asked for as they stand: no search domains, nothing remembered. */
export interface Names {
  /**
   * The addresses of a name, by its A or AAAA records; by `/etc/hosts` first when no servers are named. Empty when there
   * are none. Rejects when nobody could tell; Deno takes that for none.
   * @param servers who is asked, as `address:port`; those of the system when undefined
   */
  addresses(name: string, family: 4 | 6, servers: readonly string[] | undefined): Promise<readonly AddressRecord[]>;
  /** The SRV records of a service, likewise. */
  services(name: string, servers: readonly string[] | undefined): Promise<readonly ServiceRecord[]>;
}
