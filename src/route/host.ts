// The host a request names, and the hosts a route asks for.

/**
 * The host of an authority, as routes compare it: lower case, without port and without the root's dot. An IPv6 literal
 * keeps its brackets.
 */
function hostOf(authority: string): string {
  let end = authority.length;
  if (authority.charCodeAt(0) === 0x5b) {
    const bracket = authority.indexOf("]");
    if (bracket >= 0) end = bracket + 1;
  } else {
    const colon = authority.indexOf(":");
    if (colon >= 0) end = colon;
  }
  // "example.com." is the same name; a route for a host must not be passed by with it.
  if (end > 1 && authority.charCodeAt(end - 1) === 0x2e) end--;
  return (end === authority.length ? authority : authority.slice(0, end)).toLowerCase();
}

/** What a route's host asks for: one name, or every name below a suffix such as ".example.com". */
export type HostRule = { readonly exact: string } | { readonly suffix: string };

/** Reads a host of the plan. The answer is a string when no request can name such a host: one sentence for the operator. */
export function readHost(host: string): HostRule | string {
  const wildcard = host.startsWith("*.");
  const name = wildcard ? host.slice(2) : host;
  if (name === "" || name.includes("*")) {
    return `The host \`${host}\` never matches: "*" is only allowed as the first label, as in *.example.com.`;
  }
  if (/[\s/?#@\\]/.test(name) || name.startsWith(".")) return `The host \`${host}\` is no host name.`;
  const colons = name.split(":").length - 1;
  if (colons > 1 && !name.startsWith("[")) return { exact: `[${name.toLowerCase()}]` };
  const bare = hostOf(name);
  if (bare.length < name.length - (name.endsWith(".") ? 1 : 0)) {
    return `The host \`${host}\` never matches: hosts are compared without their port.`;
  }
  return wildcard ? { suffix: `.${bare}` } : { exact: bare };
}

/** Reads the hosts of a match, each once; no hosts are one rule, undefined, for any. */
export function readHosts(hosts: readonly string[]): {
  readonly rules: readonly (HostRule | undefined)[];
  readonly faults: readonly string[];
} {
  const rules = new Map<string, HostRule | undefined>();
  const faults: string[] = [];
  if (hosts.length === 0) rules.set("", undefined);
  for (const host of hosts) {
    const rule = readHost(host);
    if (typeof rule === "string") faults.push(rule);
    else rules.set(hostKey(rule), rule);
  }
  return { rules: [...rules.values()], faults };
}

/** The same text for two rules that take the same hosts, for a message too. */
export function hostKey(rule: HostRule | undefined): string {
  if (rule === undefined) return "*";
  return "exact" in rule ? rule.exact : `*${rule.suffix}`;
}

/** Values by host, found in the order of precedence: exact, wildcard with the longest suffix first, any. */
export class HostIndex<T> {
  readonly #exact = new Map<string, T>();
  readonly #suffixes = new Map<string, T>();
  /** Lengths of the suffixes, longest first: as many look-ups as there are lengths, not as the host has labels. */
  #lengths: number[] = [];
  /** The value for any host, if there is one. */
  #onlyAny: readonly T[] = [];
  #named = false;

  /** The value for a rule, made when there is none yet. `undefined` is the rule for any host. */
  at(rule: HostRule | undefined, make: () => T): T {
    if (rule === undefined) {
      if (this.#onlyAny.length === 0) this.#onlyAny = [make()];
      return this.#onlyAny[0]!;
    }
    this.#named = true;
    const map = "exact" in rule ? this.#exact : this.#suffixes;
    const key = "exact" in rule ? rule.exact : rule.suffix;
    const known = map.get(key);
    if (known !== undefined) return known;
    const made = make();
    map.set(key, made);
    if ("suffix" in rule && !this.#lengths.includes(key.length)) {
      this.#lengths = [...this.#lengths, key.length].sort((a, b) => b - a);
    }
    return made;
  }

  /** The values for an authority in the order of precedence. */
  matching(authority: string): readonly T[] {
    if (!this.#named) return this.#onlyAny;
    const found: T[] = [];
    const host = hostOf(authority);
    const exact = this.#exact.get(host);
    if (exact !== undefined) found.push(exact);
    for (const length of this.#lengths) {
      if (host.length <= length) continue;
      const below = this.#suffixes.get(host.slice(-length));
      if (below !== undefined) found.push(below);
    }
    found.push(...this.#onlyAny);
    return found;
  }

  /** All values. */
  *[Symbol.iterator](): Generator<T> {
    for (const [, value] of this.inOrder()) yield value;
  }

  /** All values, each behind the text of its rule (see {@link hostKey}): the more specific before the less. */
  *inOrder(): Generator<readonly [rule: string, value: T]> {
    for (const exact of [...this.#exact.keys()].sort()) yield [exact, this.#exact.get(exact)!];
    const suffixes = [...this.#suffixes.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    for (const suffix of suffixes) yield [`*${suffix}`, this.#suffixes.get(suffix)!];
    for (const value of this.#onlyAny) yield ["*", value];
  }
}
