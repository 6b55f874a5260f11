// Names of the network, looked up through node:dns, which Bun and Deno have.
import { Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { AddressRecord, Names } from "../http/names.ts";

/** A server has so long for its answer, and longer each time it is asked again. */
const ANSWER_MS = 1500;
const TRIES = 3;

/** Codes of an answer that says that there is nothing. */
const NOTHING: ReadonlySet<unknown> = new Set(["ENOTFOUND", "ENODATA"]);

/** The names of DNS and of `/etc/hosts`. */
export const names: Names = {
  async addresses(name, family, servers) {
    const known = servers === undefined ? hostsOf(await hostsFile(), name, family) : [];
    if (known.length > 0) return known;
    const found = await orNothing(
      family === 4
        ? resolverOf(servers).resolve4(name, { ttl: true })
        : resolverOf(servers).resolve6(name, { ttl: true }),
    );
    return found.map(({ address, ttl }) => ({ address, ttlMs: ttl * 1000 }));
  },
  services: (name, servers) => orNothing(resolverOf(servers).resolveSrv(name)),
};

/** One for each question: Bun's remembers answers, also that there is nothing, for up to an hour. */
function resolverOf(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver({ timeout: ANSWER_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return resolver;
}

async function orNothing<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (NOTHING.has((error as NodeJS.ErrnoException).code)) return [];
    throw error;
  }
}

async function hostsFile(): Promise<string> {
  try {
    return await readFile("/etc/hosts", "utf8");
  } catch {
    return "";
  }
}

/** The addresses that a text of the form of `/etc/hosts` has for a name (hosts(5)). */
export function hostsOf(text: string, name: string, family: 4 | 6): AddressRecord[] {
  const wanted = name.toLowerCase();
  return text.split("\n").flatMap((line) => {
    const [address = "", ...called] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return isIP(address) === family && called.includes(wanted) ? [{ address, ttlMs: undefined }] : [];
  });
}
