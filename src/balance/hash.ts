// Consistent hashing: requests of one text go to one target, and a change of targets moves no more than it must.
import type { Exchange } from "../exchange.ts";
import { hash0, type HashKey, hashText } from "../http/key-hash.ts";
import type { Target } from "../target.ts";
import { Draw } from "./draw.ts";
import type { Policy } from "./policy.ts";
import { UnderWay } from "./under-way.ts";

/** The same for all threads, gateways and starts: all of them send a text to one target. */
const KEY: HashKey = { k0: 0x736c7569, k1: 0x63652d31 };

/** A target with so little under way takes what is its own, whatever the others have. */
const LEAST_BOUND = 8;

/** Texts fall into so many slots, whose targets are remembered once they were looked for; a power of two. */
const SLOTS = 2 ** 20;

/** With so few targets looking is as quick as remembering. */
const FEW = 8;

/**
 * Rendezvous hashing (Thaler and Ravishankar), by weight: each target has a rank for each slot, the first in rank gets its
 * texts. When a target goes, only its texts move; when one joins or grows heavier, texts move to it alone. Texts and targets
 * alone decide, so that nothing needs to be told among threads or gateways.
 *
 * With a bound (Mirrokni, Thorup and Zadimoghaddam) a target that has more under way than so many times its share passes
 * what comes on to the next in rank: no text can flood a target. Later attempts go to the next in rank, too. Requests
 * without a text go anywhere, by weight.
 */
export class Hash<T extends Target> implements Policy<T> {
  readonly watchers: readonly UnderWay<T>[];
  readonly #textOf: (x: Exchange) => string;
  readonly #bound: number;
  readonly #underWay = new UnderWay<T>();
  readonly #random: () => number;
  #targets: readonly T[] = [];
  #weights: readonly number[] = [];
  #even = true;
  #draw = new Draw([], () => 0);
  /** The hash of each target's name, by index. */
  #seeds = new Int32Array();
  /** For each slot the index of its target and 1; 0 for what has not been looked for. Empty with few targets. */
  #found = new Uint16Array();

  /**
   * @param textOf what is hashed; "" for nothing
   * @param bound how many times its share a target may have under way; undefined: no matter how many
   * @param random numbers from 0 up to 1
   */
  constructor(textOf: (x: Exchange) => string, bound: number | undefined, random: () => number) {
    this.#textOf = textOf;
    this.#bound = bound ?? Infinity;
    this.#random = random;
    this.watchers = bound === undefined ? [] : [this.#underWay];
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    this.#targets = targets;
    this.#weights = weights;
    this.#even = weights.every((weight) => weight === weights[0]);
    this.#draw = new Draw(weights, this.#random);
    this.#seeds = Int32Array.from(targets, ({ plan }) => {
      hashText(KEY, plan.url);
      return hash0;
    });
    if (targets.length <= FEW) this.#found = new Uint16Array();
    else if (this.#found.length === 0) this.#found = new Uint16Array(SLOTS);
    else this.#found.fill(0);
  }

  pick(x: Exchange): T {
    const text = this.#textOf(x);
    if (text === "") return this.#targets[this.#draw.any()]!;
    const slot = slotOf(text);
    const first = this.#firstOf(slot);
    if (!this.#isFull(first)) return this.#targets[first]!;
    const next = this.#bestOf(slot, (i) => !this.#isFull(i));
    return this.#targets[next < 0 ? first : next]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    const untried = (i: number): boolean => !tried.includes(this.#targets[i]!);
    const text = this.#textOf(x);
    if (text === "") {
      const any = this.#draw.except((i) => !untried(i));
      return any < 0 ? this.pick(x) : this.#targets[any]!;
    }
    const slot = slotOf(text);
    let at = this.#bestOf(slot, (i) => untried(i) && !this.#isFull(i));
    if (at < 0) at = this.#bestOf(slot, untried);
    return at < 0 ? this.pick(x) : this.#targets[at]!;
  }

  /** The target that a slot leads to first. */
  #firstOf(slot: number): number {
    const found = this.#found;
    if (found.length === 0) return this.#bestOf(slot, undefined);
    if (found[slot] === 0) found[slot] = this.#bestOf(slot, undefined) + 1;
    return found[slot]! - 1;
  }

  /** The first in rank of those that may be; -1 for none. */
  #bestOf(slot: number, mayBe: ((index: number) => boolean) | undefined): number {
    const seeds = this.#seeds;
    const weights = this.#even ? undefined : this.#weights;
    let best = -1;
    let most = -Infinity;
    for (let i = 0; i < seeds.length; i++) {
      if (mayBe !== undefined && !mayBe(i)) continue;
      const number = mixed(slot ^ seeds[i]!);
      // Of times until something happens at a rate, the shortest is each one's as often as its rate says.
      const rank = weights === undefined ? number : Math.log((number + 0.5) / 2 ** 32) / weights[i]!;
      if (rank > most) {
        most = rank;
        best = i;
      }
    }
    return best;
  }

  #isFull(i: number): boolean {
    if (this.#bound === Infinity) return false;
    const { inFlight } = this.#targets[i]!;
    if (inFlight < LEAST_BOUND) return false;
    const share = this.#weights[i]! / this.#draw.total;
    return inFlight >= Math.ceil(this.#bound * (this.#underWay.total + 1) * share);
  }
}

function slotOf(text: string): number {
  hashText(KEY, text);
  return hash0 & (SLOTS - 1);
}

/** A number of 32 bits that looks like chance (the end of MurmurHash3). Each comes of one other alone. */
function mixed(number: number): number {
  let h = number;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
