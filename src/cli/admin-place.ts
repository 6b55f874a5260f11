// Where the gateway of a config is asked, and how.
import type { AdminPlan, Plan } from "../config/plan.ts";
import { EXIT, Refusal } from "./exit.ts";
import { shownPath } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

/** Addresses that say "all of them": the gateway is asked on this machine. */
const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** The admin listener of a gateway that runs. */
export interface AdminPlace {
  readonly url: string;
  /** With the token, where there is one. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The fields that show a token; none without one. */
export function bearer(token: string | undefined): AdminPlace["headers"] {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** Where it is. The plan's port is none that the system chooses. */
export function adminPlace({ host, port, token }: Pick<AdminPlan, "host" | "port" | "token">): AdminPlace {
  return { url: urlOf(ANY[host] ?? host, port), headers: bearer(token?.reveal()) };
}

/**
 * The admin listener of the gateway that runs this config.
 * @param otherwise what else would do where there is none
 * @throws Refusal when there is none, or nobody knows where it is
 */
export function adminPlaceIn({ admin }: Pick<Plan, "admin">, file: string, otherwise = ""): AdminPlace {
  if (admin === undefined) {
    const hint = `Write admin: {} and restart it${otherwise}.`;
    throw new Refusal(EXIT.config, `${shownPath(file)} has no admin, where its gateway could be asked.`, { hint });
  }
  if (admin.port === 0) {
    throw new Refusal(EXIT.config, `${shownPath(file)}: admin.port is 0: only the gateway knows where it listens.`);
  }
  return adminPlace(admin);
}

/** Nobody answers there. */
export function unreachable(url: string, why: string): Refusal {
  const hint = "Does it run, and with this admin? sluice check tells nothing of that; ss -ltnp lists who listens.";
  return new Refusal(EXIT.unavailable, `No gateway answers at ${url}: ${why}.`, { hint });
}
