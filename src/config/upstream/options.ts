// What a user writes about upstreams: where they are, who picks among their targets, how long they are waited for.
import type { Duration, Size, UpstreamTls } from "../options.ts";
import type { Hidden } from "../secrets.ts";

/** One address of an upstream. */
export interface TargetOptions {
  /** `http://` or `https://`, a host and maybe a port; no path. May be `env("NAME")`; records show the address it gives. */
  url: string | Hidden;
  /** Share of requests relative to the other targets, a whole number; 0 gets none. Default: `1`. */
  weight?: number;
}

/** How long the gateway waits for an upstream. Each clock runs alone; none bounds a whole stream (case GW-25). */
export interface UpstreamTimeouts {
  /** To connect, TLS included; then 504. Default: `"5s"`. */
  connect?: Duration;
  /** From the request's last byte to the answer's first; then 504. Default: `"60s"`. */
  firstByte?: Duration;
  /** Between two pieces of the answer's body, and between two pieces of the request's that the upstream takes. Default: `"5m"`. */
  idle?: Duration;
}

/** How long connections that carry nothing are kept for the next request. */
export interface KeepAliveOptions {
  /** Idle connections are closed after this, or a second before the upstream's own `Keep-Alive: timeout`. Default: `"4s"`. */
  idle?: Duration;
  /** Most idle connections kept for one target. Default: `256`. */
  maxIdle?: number;
  /** A connection is not used for new requests when it is older: names are looked up anew. Default: `"5m"`. */
  maxAge?: Duration;
}

/** How many connections an upstream may take. */
export interface ConnectionOptions {
  /** Most connections to one target at once. Default: `4096`. */
  max?: number;
  /** How long a request waits for a free one; then 503. Default: `"5s"`. */
  wait?: Duration;
  /** Most requests that wait; more are 503 at once. Default: `1024`. */
  maxWaiting?: number;
}

/**
 * How a target is picked for a request, among those that may be picked:
 * - `"round-robin"`: in turn, by weight and without bursts.
 * - `"random"`: by chance and weight.
 * - `"least-busy"`: the one of two, drawn by weight, that has less under way for its weight.
 * - `"fastest"`: the one of two, drawn by weight, that has lately answered sooner, times what is under way there.
 * - `"first"`: the first in the order of `targets`; the others stand by.
 *
 * What is under way, and how fast targets are, each worker sees for itself.
 */
export type BalanceOptions = "round-robin" | "random" | "least-busy" | "fastest" | "first";

/**
 * When a target is ejected: it gets nothing for a while, because the attempts at it fail. A failure is no connection, no
 * answer in time, a connection that breaks before the answer, or an answer with 502, 503 or 504; other statuses and a
 * client that leaves are none. All workers count together.
 */
export interface EjectionOptions {
  /** So many failures in a row; one success begins anew. Default: `5`. */
  failures?: number;
  /**
   * How long; the second time in a row twice as long, then three times. A time is forgotten with every such stretch
   * without an ejection. Default: `"30s"`.
   */
  time?: Duration;
  /** At most so long. Default: `"5m"`. */
  maxTime?: Duration;
  /** At most this share of the targets at once; one at least where there are two, and never all. Default: `0.5`. */
  maxShare?: number;
}

/** A named service. */
export interface UpstreamOptions {
  /** Its addresses, at least one. A string is a URL of weight 1. */
  targets: readonly (string | Hidden | TargetOptions)[];
  /** How a target is picked for a request. Default: `"round-robin"`. */
  balance?: BalanceOptions;
  /**
   * A target that joins while the gateway runs, or comes back, begins with a twentieth of its share and has all of it after
   * this long, from `"1s"` to `"1d"`. Default: none, it has its share at once.
   */
  slowStart?: Duration;
  /** When a target that fails gets nothing for a while. Default: after 5 failures in a row, where there are other targets. */
  ejection?: false | EjectionOptions;
  /** `"http1"`, or `"h2"` for HTTP/2 over TLS by the runtime's fetch. Default: `"http1"`. */
  protocol?: "http1" | "h2";
  /**
   * The Host field the upstream sees: its own authority, the client's, or a fixed text. Default: `"upstream"`.
   * Cloudflare's runtime always sends the upstream's.
   */
  host?: "upstream" | "client" | (string & {});
  timeouts?: UpstreamTimeouts;
  keepAlive?: KeepAliveOptions;
  connections?: ConnectionOptions;
  /** Most bytes of a response head. Default: `"64KiB"`. */
  maxHead?: Size;
  /** TLS towards `https` targets. */
  tls?: UpstreamTls;
}
