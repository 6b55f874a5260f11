// What a gateway and the process that takes its place say to each other.
import type { CountsOrigin } from "../../counts.ts";
import type { HandedSockets } from "../../platforms/bun.ts";
import type { Orders } from "./orders.ts";
import type { Counted } from "../../shared.ts";

/** The variable that tells a process that it is to take another's place; it holds the number of the protocol. */
export const TAKES_OVER = "SLUICE_TAKES_OVER";

/** Another number is another protocol: a process that does not know it refuses. */
export const PROTOCOL = "1";

/** The descriptor of its end of the channel, in the process that takes over. Behind it stand the listening sockets. */
export const CHANNEL = 3;

/** To the process that takes over. */
export type ToSuccessor =
  /** What it begins with: sockets under the numbers that they have in it. */
  | { readonly kind: "begin"; readonly sockets: HandedSockets; readonly counts: CountsOrigin | undefined }
  /** It is to accept from now on. With what limits have counted, as a snapshot in Base64, and what operators have said. */
  | { readonly kind: "take"; readonly counts: string | undefined; readonly orders: Orders }
  /** It is the gateway: the one before it leaves. */
  | { readonly kind: "yours" }
  /** What the one before it has counted since. */
  | { readonly kind: "counted"; readonly counted: readonly Counted[] }
  /** The one before it has ended all it had under way: it is to answer `noted` once it has counted everything. */
  | { readonly kind: "over" };

/** Messages of the process that takes over. */
export type FromSuccessor =
  /** It is not going to serve, and ends. */
  | { readonly kind: "ends"; readonly exitCode: number }
  /** It has loaded the config and could serve. */
  | { readonly kind: "ready"; readonly version: string; readonly pid: number }
  /** It accepts connections. */
  | { readonly kind: "serving" }
  | { readonly kind: "noted" }
  /** What it says on standard error before it serves: why it cannot. */
  | { readonly kind: "said"; readonly text: string };
