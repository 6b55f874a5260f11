// How much the operator is told: one level for all threads, which may change while the gateway runs.

/** From the fewest notices to the most. */
export const NOTICE_LEVELS = ["error", "warn", "info", "debug"] as const;

/** How much a notice matters: one of {@link NOTICE_LEVELS}. */
export type NoticeLevel = (typeof NOTICE_LEVELS)[number];

/** A level as the word has it. 0 is none that was set. */
const PLACES: Readonly<Record<NoticeLevel, number>> = { error: 1, warn: 2, info: 3, debug: 4 };

/** The level, in a word that threads may share. At first it is `info`. */
export class Verbosity {
  readonly #word: Int32Array;

  /** @param word one word, 0 at first: of shared memory where there are several threads */
  constructor(word: Int32Array = new Int32Array(1)) {
    this.#word = word;
  }

  get level(): NoticeLevel {
    return NOTICE_LEVELS[this.#place - 1]!;
  }

  set level(level: NoticeLevel) {
    Atomics.store(this.#word, 0, PLACES[level]);
  }

  /** Whether notices of this level are told. Where the text of one costs something this is asked before it is made. */
  tells(level: NoticeLevel): boolean {
    return PLACES[level] <= this.#place;
  }

  get #place(): number {
    return Atomics.load(this.#word, 0) || PLACES.info;
  }
}

/** A notice as it stands on standard error, without its newline. */
export function noticeText(level: NoticeLevel, text: string): string {
  return `sluice: ${level === "info" ? "" : `${level}: `}${text}`;
}
