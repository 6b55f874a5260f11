// A DNS server of the tests' own, over UDP (RFC 1035): what it answers is a table that a test changes.
import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";

/** A record. `SRV` is "priority weight port host". */
export type DnsRecord = readonly [kind: "A" | "AAAA" | "SRV", value: string];

/** What is answered about a name: records, an error code of RFC 1035 section 4.1.1, or nothing at all. */
export type DnsAnswer = readonly DnsRecord[] | "SERVFAIL" | "NXDOMAIN" | "REFUSED" | "silence";

const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;
const CODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

/** A running server. */
export class DnsServer {
  /** Answers by name; a name that is not there is NXDOMAIN. */
  readonly zone = new Map<string, DnsAnswer>();
  /** TTL of all records, in seconds. */
  ttl = 1;
  /** Questions so far: `A orders.test`. */
  readonly asked: string[] = [];
  readonly #socket: Socket;

  /** Use startDnsServer. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (query, from) => {
      const answer = this.#answer(query);
      if (answer !== undefined) socket.send(answer, from.port, from.address);
    });
  }

  /** Where it is, as `resolver` takes it. */
  get address(): string {
    return `127.0.0.1:${(this.#socket.address() as AddressInfo).port}`;
  }

  /** From now on the name has these addresses. */
  say(name: string, ...addresses: readonly string[]): void {
    this.zone.set(
      name,
      addresses.map((address) => [address.includes(":") ? "AAAA" : "A", address] as const),
    );
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer | undefined {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join(".").toLowerCase();
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const kind = Object.entries(TYPES).find(([, number]) => number === type)?.[0];
    this.asked.push(`${kind ?? type} ${name}`);
    const answer = this.zone.get(name) ?? "NXDOMAIN";
    if (answer === "silence") return undefined;
    const records = typeof answer === "string" ? [] : answer.filter(([each]) => each === kind);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response, recursion desired and available.
    head.writeUInt16BE(0x8180 | (typeof answer === "string" ? CODES[answer] : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, question, ...records.map((record) => this.#record(record))]);
  }

  #record([kind, value]: DnsRecord): Buffer {
    const data = kind === "SRV" ? serviceData(value) : kind === "A" ? addressData(value) : longAddressData(value);
    const head = Buffer.alloc(12);
    // The name is that of the question.
    head.writeUInt16BE(0xc00c, 0);
    head.writeUInt16BE(TYPES[kind], 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(this.ttl, 6);
    head.writeUInt16BE(data.length, 10);
    return Buffer.concat([head, data]);
  }
}

/** Starts a server on a port of the system's choice. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  return new DnsServer(socket);
}

function addressData(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

function longAddressData(address: string): Buffer {
  const [before = "", after] = address.split("::");
  const groups = (text: string | undefined): string[] => (text === undefined || text === "" ? [] : text.split(":"));
  const head = groups(before);
  const tail = groups(after);
  const all = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function serviceData(value: string): Buffer {
  const [priority, weight, port, host] = value.split(" ");
  const numbers = Buffer.alloc(6);
  for (const [i, number] of [priority, weight, port].entries()) numbers.writeUInt16BE(Number(number), i * 2);
  const labels = host!.split(".").filter((label) => label !== "");
  const name = labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")]));
  return Buffer.concat([numbers, ...name, Buffer.of(0)]);
}
