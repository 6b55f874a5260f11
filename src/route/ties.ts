// Ties: entries at one place that some request fits both, with nothing to make one more specific.
import type { Entry } from "./leaf.ts";

/** Two entries and a method with which some request fits both. "" stands for a method that neither names. */
export interface Tie {
  readonly first: Entry;
  readonly second: Entry;
  readonly method: string;
}

/** Most comparisons spent on one place: a bound for configs that are built to be slow. */
const MOST_COMPARISONS = 1_000_000;

/**
 * Ties among the entries of one place. Only entries of equal precedence can tie: a method that both name (or none), and
 * equally many conditions. Every entry that ties is told of, but not every pair.
 */
export function findTies(entries: readonly Entry[]): Tie[] {
  if (entries.length < 2) return [];
  const equals = new Map<string, Entry[]>();
  for (const entry of entries) {
    for (const method of entry.methods.length === 0 ? [""] : entry.methods) {
      const key = `${method} ${entry.weight}`;
      const group = equals.get(key);
      if (group === undefined) equals.set(key, [entry]);
      else group.push(entry);
    }
  }
  const ties: Tie[] = [];
  const told = new Map<Entry, Set<Entry>>();
  for (const [key, group] of equals) {
    const search = new Search((first, second) => {
      const known = told.get(first);
      if (known?.has(second)) return;
      if (known === undefined) told.set(first, new Set([second]));
      else known.add(second);
      ties.push({ first, second, method: key.slice(0, key.indexOf(" ")) });
    });
    search.among(group, NO_NAMES);
  }
  return ties;
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** The values that an entry asks for, by kind and name of the condition. A condition of mere presence excludes nothing. */
function valuesOf(entry: Entry): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of entry.conditions?.headers ?? []) if (value !== true) values.set(`field ${name}`, value);
  for (const [name, value] of entry.conditions?.query ?? []) if (value !== true) values.set(`query ${name}`, value);
  return values;
}

/** Entries exclude each other by asking for different values of one name: groups by value spare most comparisons. */
class Search {
  readonly #report: (first: Entry, second: Entry) => void;
  readonly #values = new Map<Entry, Map<string, string>>();
  /** Entries that some tie has been told of. */
  readonly #tied = new Set<Entry>();
  #comparisons = 0;

  constructor(report: (first: Entry, second: Entry) => void) {
    this.#report = report;
  }

  #valuesOf(entry: Entry): Map<string, string> {
    const known = this.#values.get(entry);
    if (known !== undefined) return known;
    const made = valuesOf(entry);
    this.#values.set(entry, made);
    return made;
  }

  /** Finds ties among entries which agree on the names in `settled`. */
  among(entries: readonly Entry[], settled: ReadonlySet<string>): void {
    if (entries.length < 2) return;
    const name = this.#mostDividing(entries, settled);
    if (name === undefined) {
      for (const entry of entries.slice(1)) this.#tell(entries[0]!, entry);
      return;
    }
    const byValue = new Map<string, Entry[]>();
    const indifferent: Entry[] = [];
    for (const entry of entries) {
      const value = this.#valuesOf(entry).get(name);
      if (value === undefined) indifferent.push(entry);
      else if (byValue.has(value)) byValue.get(value)!.push(entry);
      else byValue.set(value, [entry]);
    }
    const nowSettled = new Set([...settled, name]);
    for (const group of byValue.values()) {
      this.among(group, nowSettled);
      this.#between(group, indifferent);
    }
    this.among(indifferent, nowSettled);
  }

  /** The name for which most entries ask for a value, of those for which two ask for different ones. */
  #mostDividing(entries: readonly Entry[], settled: ReadonlySet<string>): string | undefined {
    const uses = new Map<string, { count: number; value: string; divided: boolean }>();
    for (const entry of entries) {
      for (const [name, value] of this.#valuesOf(entry)) {
        if (settled.has(name)) continue;
        const use = uses.get(name);
        if (use === undefined) uses.set(name, { count: 1, value, divided: false });
        else {
          use.count++;
          use.divided ||= use.value !== value;
        }
      }
    }
    let best: string | undefined;
    let most = 0;
    for (const [name, use] of uses) {
      if (!use.divided || use.count <= most) continue;
      best = name;
      most = use.count;
    }
    return best;
  }

  #between(some: readonly Entry[], others: readonly Entry[]): void {
    for (const entry of some) {
      for (const other of others) {
        if (this.#tied.has(entry) && this.#tied.has(other)) continue;
        if (++this.#comparisons > MOST_COMPARISONS) return;
        if (this.#agree(entry, other)) this.#tell(entry, other);
      }
    }
  }

  #tell(first: Entry, second: Entry): void {
    this.#tied.add(first).add(second);
    this.#report(first, second);
  }

  #agree(entry: Entry, other: Entry): boolean {
    const values = this.#valuesOf(other);
    for (const [name, value] of this.#valuesOf(entry)) {
      const otherValue = values.get(name);
      if (otherValue !== undefined && otherValue !== value) return false;
    }
    return true;
  }
}
