// Where the gateway of a config is asked, and how.
import type { AdminPlan, Plan } from "../config/plan.ts";
import { reasonOf } from "../http/fetch-text.ts";
import { EXIT, Refusal, systemCode } from "./exit.ts";
import { shownPath } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

/** Addresses that say "all of them": the gateway is asked on this machine. */
const ANY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** The admin listener of a gateway that runs. */
export interface AdminPlace {
  /** As a person writes it: a URL, or `unix:` and a path. */
  readonly name: string;
  /** The URL that paths such as `/reload` are appended to. */
  readonly url: string;
  /** How it is fetched: with the token, where there is one, and past proxies of the environment. */
  readonly how: Pick<BunFetchRequestInit, "proxy" | "unix"> & { readonly headers: Readonly<Record<string, string>> };
}

/** The admin listener at a URL, asked with this token. */
export function placeAt(url: string, token: string | undefined): AdminPlace {
  const headers: AdminPlace["how"]["headers"] = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return { name: url, url, how: { proxy: false, headers } };
}

/** The admin listener on a Unix socket, asked with this token. */
export function placeOn(socket: string, token: string | undefined): AdminPlace {
  const { url, how } = placeAt("http://localhost", token);
  return { name: `unix:${socket}`, url, how: { ...how, unix: socket } };
}

/** The admin listener of a plan; undefined where the system has chosen its port. */
export function adminPlace({ socket, host, port, token }: Omit<AdminPlan, "names">): AdminPlace | undefined {
  if (socket !== undefined) return placeOn(socket, token?.reveal());
  return port === 0 ? undefined : placeAt(urlOf(ANY[host] ?? host, port), token?.reveal());
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
  const place = adminPlace(admin);
  if (place !== undefined) return place;
  throw new Refusal(EXIT.config, `${shownPath(file)}: admin.port is 0: only the gateway knows where it listens.`);
}

/** What keeps a gateway from being reached, as an operator would say it; by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOENT: "there is no such socket",
  EACCES: "this user may not connect to the socket",
};

/** The refusal (69) for an admin listener that does not answer. @param thrown what came of asking */
export function unreachable(name: string, thrown: unknown): Refusal {
  const why = REASONS[systemCode(thrown)] ?? reasonOf(thrown);
  const hint = "Does it run, and with this admin? sluice check tells nothing of that; ss -lntxp lists who listens.";
  return new Refusal(EXIT.unavailable, `No gateway answers at ${name}: ${why}.`, { hint });
}
