// A bounded queue in which nobody is kept out by somebody who stands in it many times.

/** Somebody who waits. Told true when it is its turn, false when its place went to another. */
type Waiter = (turn: boolean) => void;

/** Holders have turns one after the other. Each has a line of its own, and all lines together are bounded. */
export class FairQueue {
  readonly #most: number;
  /** No line is empty. The first holder is the next. */
  readonly #lines = new Map<string, Waiter[]>();
  #waiting = 0;

  /** @param most how many wait at once */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Waits for a turn. False when there is no place: at once, or later, when the holder has the longest line and another
   * one comes with a shorter.
   */
  turn(holder: string): Promise<boolean> {
    if (this.#waiting >= this.#most && !this.#makeRoom(holder)) return Promise.resolve(false);
    this.#waiting++;
    return new Promise((resolve) => {
      const line = this.#lines.get(holder);
      if (line === undefined) this.#lines.set(holder, [resolve]);
      else line.push(resolve);
    });
  }

  /** Gives the turn to whoever is next. False when nobody waits. */
  next(): boolean {
    for (const [holder, line] of this.#lines) {
      const [first, ...others] = line;
      this.#lines.delete(holder);
      if (others.length > 0) this.#lines.set(holder, others);
      this.#waiting--;
      first!(true);
      return true;
    }
    return false;
  }

  /** Sends the last of the longest line away, if the newcomer's own stays shorter than that one was. */
  #makeRoom(holder: string): boolean {
    let longest: Waiter[] = [];
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    if ((this.#lines.get(holder)?.length ?? 0) + 1 >= longest.length) return false;
    longest.pop()!(false);
    this.#waiting--;
    return true;
  }
}
