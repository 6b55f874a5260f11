// A sliding window in 56 bytes: how many units were let through, grouped, each group with the time of its last unit.

/**
 * What a window promises: in no span of `windowMs` are more than `limit` units let through, and a caller that stays under
 * 95% of it in every span longer by 1/15000 is never refused.
 *
 * How: units are counted in groups of `limit / 20`. A group stays until its last unit is out of the window, so the
 * count is never too low, and too high by less than one group.
 */
export interface WindowRule {
  /** Units. From 1 to {@link MOST_LIMIT}. */
  readonly limit: number;
  readonly windowMs: number;
  /** Units that are counted with one time. */
  readonly group: number;
  /** Length of a tick. Times are kept in ticks. */
  readonly tickMs: number;
}

/** The largest limit: the units of a group must fit 16 bits. */
export const MOST_LIMIT = 1_000_000;

/** Ticks in a window. Twice as many, and some, fit 16 bits. */
const TICKS = 30_000;
/** Groups that are full. The one that fills is not among them. */
const GROUPS = 20;

/** The rule of a limit in units and a window in milliseconds, with what follows from the two. */
export function windowRule(limit: number, windowMs: number): WindowRule {
  return { limit, windowMs, group: Math.floor(limit / GROUPS) + 1, tickMs: windowMs / TICKS };
}

/** Words of 32 bits in an entry of the table, and where in it the parts of a window are. */
export const ENTRY_WORDS = 14;
/** Full groups (5 bits), index of the oldest (5 bits), high bits of the last tick (22 bits). */
const PACKED = 0;
const LAST_LOW = 1;
/** Units in the group that fills (16 bits), units taken back from the oldest group (16 bits). */
const UNITS = 2;
/** Where the low 16 bits of the full groups' last ticks begin, counted in half words. */
const RING = 8;

const HIGH = 2 ** 32;

/** A window as it stands in memory. One object serves all entries of a table: no garbage. */
export class Window {
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  /** First word of the entry that is open. */
  #at = 0;
  #full = 0;
  #oldest = 0;
  #last = 0;
  #filling = 0;
  #returned = 0;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  }

  /** Looks at the entry at this word, and lets go of what is out of the window at `now`. */
  open(at: number, rule: WindowRule, now: number): void {
    const words = this.#words;
    this.#at = at;
    const packed = words[at + PACKED]!;
    this.#full = packed & 31;
    this.#oldest = (packed >>> 5) & 31;
    this.#last = (packed >>> 10) * HIGH + (words[at + LAST_LOW]! >>> 0);
    const units = words[at + UNITS]!;
    this.#filling = units & 0xffff;
    this.#returned = units >>> 16;
    const tick = this.#tick(rule, now);
    if (tick - this.#last > TICKS) {
      this.#full = 0;
      this.#filling = 0;
      this.#returned = 0;
      return;
    }
    while (this.#full > 0 && this.#age(this.#oldest, tick) > TICKS) this.#dropOldest();
  }

  /** Units that count in the window that is open, never too few. */
  units(rule: WindowRule): number {
    return this.#full * rule.group + this.#filling - this.#returned;
  }

  /** Adds units at `now`. The caller has seen that they fit the limit. */
  add(rule: WindowRule, units: number, now: number): void {
    const tick = this.#tick(rule, now);
    let left = units;
    while (left > 0) {
      if (this.#filling === rule.group) {
        this.#halves[this.#at * 2 + RING + ((this.#oldest + this.#full) % GROUPS)] = this.#last & 0xffff;
        this.#full++;
        this.#filling = 0;
      }
      const part = Math.min(left, rule.group - this.#filling);
      this.#filling += part;
      this.#last = tick;
      left -= part;
    }
    this.#write();
  }

  /**
   * Takes units back, those that would leave the window first: what stays counts at least as long as what was really let
   * through.
   */
  takeBack(rule: WindowRule, units: number): void {
    let left = Math.min(units, this.units(rule));
    while (left > 0) {
      const oldest = (this.#full > 0 ? rule.group : this.#filling) - this.#returned;
      if (left < oldest) {
        this.#returned += left;
        left = 0;
      } else {
        left -= oldest;
        if (this.#full > 0) this.#dropOldest();
        else this.#filling = this.#returned = 0;
      }
    }
    this.#write();
  }

  /** Milliseconds until `units` of those that count have left the window; 0 for none. */
  untilFree(rule: WindowRule, units: number, now: number): number {
    if (units <= 0) return 0;
    let freed = -this.#returned;
    for (let i = 0; i < this.#full; i++) {
      freed += rule.group;
      if (freed >= units) return this.#untilOut(rule, this.#lastTickOf(this.#oldest + i), now);
    }
    return this.#untilOut(rule, this.#last, now);
  }

  /** Milliseconds from the clock's zero until nothing of it counts. */
  endsAt(rule: WindowRule): number {
    return (this.#last + TICKS + 1) * rule.tickMs;
  }

  /** How much it holds, from 0 to 20: what is nearly empty may be forgotten first. */
  weight(rule: WindowRule): number {
    return Math.ceil((this.units(rule) * GROUPS) / rule.limit);
  }

  /** The clocks of threads differ by less than a tick; none goes back. */
  #tick(rule: WindowRule, now: number): number {
    return Math.max(this.#last, Math.floor(now / rule.tickMs));
  }

  #age(index: number, tick: number): number {
    return (tick - this.#halves[this.#at * 2 + RING + (index % GROUPS)]!) & 0xffff;
  }

  #lastTickOf(index: number): number {
    return this.#last - this.#age(index, this.#last);
  }

  #untilOut(rule: WindowRule, tick: number, now: number): number {
    // Some nanoseconds more: the division that gives the tick of that time rounds.
    return Math.max(0, (tick + TICKS + 1) * rule.tickMs - now + 1e-5);
  }

  #dropOldest(): void {
    this.#oldest = (this.#oldest + 1) % GROUPS;
    this.#full--;
    this.#returned = 0;
  }

  #write(): void {
    const words = this.#words;
    const at = this.#at;
    words[at + PACKED] = this.#full | (this.#oldest << 5) | (Math.floor(this.#last / HIGH) << 10);
    words[at + LAST_LOW] = (this.#last % HIGH) | 0;
    words[at + UNITS] = this.#filling | (this.#returned << 16);
  }
}
