// What a conformance promise is, and what it is checked with: a gateway by its port, and the origin behind it.
import { connect, exchange, type RawClient, type ReceiveOptions } from "../support/raw-client.ts";
import type { Bytes } from "../support/byte-writer.ts";
import type { ReceivedResponse } from "../support/message-reader.ts";
import type { RawOrigin } from "../support/raw-origin.ts";

/** Where the same gateway runs. */
export type Runtime = "executable" | "deno" | "workerd";

/** What it is asked by, if not by HTTP/1.1 without TLS. */
export type Over = "TLS" | "HTTP/2";

/** A gateway that runs tests/conformance/gateway.config.ts. */
export interface Kit {
  readonly runtime: Runtime;
  readonly port: number;
  /** Of requests, as the gateway sees them. */
  readonly scheme: "http" | "https";
  /** The version of HTTP that it is asked by, as Via says it. */
  readonly version: "1.1" | "2.0";
  readonly origin: RawOrigin;
  /** Lines of the access log so far, parsed. */
  log(): Record<string, unknown>[];
  /** One request and its response over a connection of its own. */
  send(bytes: Bytes, options?: ReceiveOptions): Promise<ReceivedResponse>;
  /** A connection to the gateway. */
  connect(): Promise<RawClient>;
}

/** One thing that every runtime does alike, but for those that cannot, and over what cannot: each with its reason. */
export interface Promised {
  readonly name: string;
  readonly except?: Readonly<Partial<Record<Runtime | Over, string>>>;
  readonly holds: (kit: Kit) => Promise<void>;
}

/** The kit for a running gateway. */
export function kitFor(
  is: Pick<Kit, "runtime" | "port" | "scheme" | "version">,
  origin: RawOrigin,
  lines: () => readonly string[],
): Kit {
  const { port } = is;
  return {
    ...is,
    origin,
    log: () =>
      lines()
        .filter((line) => line.startsWith('{"time"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    send: (bytes, options) => exchange(port, bytes, options),
    connect: () => connect(port),
  };
}
