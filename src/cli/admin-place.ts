// Where the gateway of a config is asked, and how.
import type { AdminPlan } from "../config/plan.ts";
import { urlOf } from "./url-of.ts";

/** Addresses that say "all of them": the gateway is asked on this machine. */
const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** The admin listener of a gateway that runs. */
export interface AdminPlace {
  readonly url: string;
  /** With the token, where there is one. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where it is. The plan's port is none that the system chooses. */
export function adminPlace({ host, port, token }: Pick<AdminPlan, "host" | "port" | "token">): AdminPlace {
  return {
    url: urlOf(ANY[host] ?? host, port),
    headers: token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` },
  };
}
