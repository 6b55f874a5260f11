// Decides by the process's own table: count and look in one step, before anything is forwarded.
import { hash0, hash1, type HashKey, hashText } from "../http/key-hash.ts";
import type { Counted } from "../shared.ts";
import type { LimitTable } from "./table.ts";
import { Window, type WindowRule, windowRule } from "./window.ts";

/** The last decision of a {@link Limiter}. One object for all: no garbage. */
export interface Decision {
  allowed: boolean;
  /** Units that are left for the caller. */
  remaining: number;
  /** Milliseconds until more units are there than now; when refused, until as many are there as were asked for. */
  resetMs: number;
}

/** Sliding windows in the process's table. */
export class Limiter {
  readonly table: LimitTable;
  readonly decision: Decision = { allowed: true, remaining: 0, resetMs: 0 };
  readonly #window: Window;
  readonly #told: ((counted: Counted) => void) | undefined;

  /** @param told of what is counted in sets that another process has already */
  constructor(table: LimitTable, told?: (counted: Counted) => void) {
    this.table = table;
    this.#told = told;
    this.#window = new Window(table.words);
  }

  /** Lets units through if they fit, and counts them then. The answer is in {@link decision}. */
  take(rule: WindowRule, key: HashKey, text: string, units: number, now: number): boolean {
    hashText(key, text);
    const { table, decision } = this;
    const window = this.#window;
    const set = table.hold(hash0);
    const at = table.claim(set, hash0, hash1, now);
    window.open(at, rule, now);
    const counted = window.units(rule);
    const allowed = counted + units <= rule.limit;
    if (allowed) {
      window.add(rule, units, now);
      table.mark(at, window.endsAt(rule), window.weight(rule));
    } else if (counted === 0) {
      // More units at once than the limit has: nothing was counted, and nothing will change it.
      table.mark(at, 0, 0);
    }
    decision.allowed = allowed;
    decision.remaining = Math.max(0, rule.limit - counted - (allowed ? units : 0));
    decision.resetMs = window.untilFree(rule, allowed ? 1 : counted + units - rule.limit, now);
    const isTold = allowed && table.isHanded(set);
    table.release(set);
    if (isTold) this.#tell(rule, units);
    return allowed;
  }

  /** Takes back units that were let through: of answers that do not count. */
  giveBack(rule: WindowRule, key: HashKey, text: string, units: number, now: number): void {
    hashText(key, text);
    const { table } = this;
    const set = table.hold(hash0);
    const at = table.find(set, hash0, hash1);
    if (at >= 0) {
      this.#window.open(at, rule, now);
      this.#window.takeBack(rule, units);
    }
    const isTold = table.isHanded(set);
    table.release(set);
    if (isTold) this.#tell(rule, -units);
  }

  /** Counts what another process has let through, or given back, as far as the limit has room for it. */
  count({ hash0, hash1, limit, windowMs, units }: Counted, now: number): void {
    const rule = windowRule(limit, windowMs);
    const { table } = this;
    const window = this.#window;
    const set = table.hold(hash0);
    const at = units > 0 ? table.claim(set, hash0, hash1, now) : table.find(set, hash0, hash1);
    if (at >= 0) {
      window.open(at, rule, now);
      if (units > 0) window.add(rule, Math.min(units, Math.max(0, limit - window.units(rule))), now);
      else window.takeBack(rule, -units);
      table.mark(at, window.endsAt(rule), window.weight(rule));
    }
    const isTold = table.isHanded(set);
    table.release(set);
    if (isTold) this.#told?.({ hash0, hash1, limit, windowMs, units });
  }

  /** Tells of the entry whose text was hashed last. */
  #tell({ limit, windowMs }: WindowRule, units: number): void {
    this.#told?.({ hash0, hash1, limit, windowMs, units });
  }

  /**
   * Forgets what is counted. What is under way meanwhile and is given back later is taken from what others count then: a
   * caller may have as many units more as it had requests under way.
   */
  reset(key: HashKey, text: string): void {
    hashText(key, text);
    const { table } = this;
    const set = table.hold(hash0);
    const at = table.find(set, hash0, hash1);
    if (at >= 0) table.forget(at);
    table.release(set);
  }

  /** What is left, without counting anything. */
  remaining(rule: WindowRule, key: HashKey, text: string, now: number): number {
    hashText(key, text);
    const { table } = this;
    const set = table.hold(hash0);
    const at = table.find(set, hash0, hash1);
    if (at >= 0) this.#window.open(at, rule, now);
    const left = at < 0 ? rule.limit : Math.max(0, rule.limit - this.#window.units(rule));
    table.release(set);
    return left;
  }
}
