// Names of the fake world: records that a test sets, and failures that it wants.
import type { AddressRecord, Names, ServiceRecord } from "../../http/names.ts";

/** Records by name. */
export class FakeNames implements Names {
  /** Addresses, IPv4 and IPv6 alike. A text is a failure with this message. */
  readonly hosts = new Map<string, readonly string[] | string>();
  readonly records = new Map<string, readonly ServiceRecord[] | string>();
  /** Of all addresses. */
  ttlMs: number | undefined = 10_000;
  /** Questions, in order: `4 orders.internal`. */
  readonly asked: string[] = [];
  /** Questions that are not answered before a test says so. */
  readonly held: (() => void)[] = [];
  holds = false;

  async addresses(name: string, family: 4 | 6, servers?: readonly string[]): Promise<readonly AddressRecord[]> {
    await this.#question(`${family} ${name}`, servers);
    const { ttlMs } = this;
    return known(this.hosts.get(name) ?? [])
      .filter((address) => address.includes(":") === (family === 6))
      .map((address) => ({ address, ttlMs }));
  }

  async services(name: string, servers?: readonly string[]): Promise<readonly ServiceRecord[]> {
    await this.#question(`SRV ${name}`, servers);
    return known(this.records.get(name) ?? []);
  }

  #question(text: string, servers: readonly string[] | undefined): Promise<void> {
    this.asked.push(servers === undefined ? text : `${text} @${servers.join(",")}`);
    return this.holds ? new Promise((resolve) => this.held.push(resolve)) : Promise.resolve();
  }
}

function known<T>(records: readonly T[] | string): readonly T[] {
  if (typeof records === "string") throw new Error(records);
  return records;
}
