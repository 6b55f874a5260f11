// Lines to standard output on Deno: gathered, written by a promise at a time, bounded when nobody reads.
import type { DenoOutput } from "./deno-api.ts";

/** Lines on their way out. */
export interface LinesOnDeno {
  /** Takes one line without its newline. Never waits, never throws; the line is lost when too much waits already. */
  write(line: string): void;
  /** Resolves once all is written, or when the reader took nothing for a second. */
  flush(): Promise<void>;
  /** Lines lost so far. */
  readonly dropped: number;
}

/** Lines are written after so long, or when so many characters are together. */
const BATCH_MS = 10;
const BATCH = 65_536;
/** Most characters that wait for the reader. */
const MOST_WAITING = 4 * 1024 * 1024;
/** `flush` gives up after so long without progress. */
const STUCK_MS = 1000;

/**
 * Lines to an output of Deno's. Its writes are promises, so a reader that stands still holds nothing up, and no
 * permission is needed.
 * @param notice tells the operator that lines are lost
 */
export function linesOnDeno(output: DenoOutput, notice: (text: string) => void): LinesOnDeno {
  const encoder = new TextEncoder();
  let gathered = "";
  let waiting = 0;
  let lost = 0;
  let dropped = 0;
  let moved = 0;
  let writing: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let gone = false;

  const lose = (): void => {
    if (lost === 0 && !gone)
      notice("standard output takes nothing: lines of the access log are lost until its reader goes on");
    lost += 1;
    dropped += 1;
  };
  const writeOn = async (): Promise<void> => {
    while (gathered !== "" && !gone) {
      const bytes = encoder.encode(gathered);
      const characters = gathered.length;
      gathered = "";
      try {
        for (let at = 0; at < bytes.length;) {
          at += await output.write(bytes.subarray(at));
          moved += 1;
        }
      } catch (thrown) {
        gone = true;
        gathered = "";
        notice(`standard output is gone (${String(thrown)}): the access log ends here`);
      }
      waiting -= characters;
      if (lost > 0 && !gone) notice(`standard output takes lines again; ${lost} lines of the access log are lost`);
      lost = 0;
    }
    writing = undefined;
  };
  const begin = (): void => {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeOn();
  };

  return {
    get dropped() {
      return dropped;
    },
    write(line) {
      if (gone || waiting + line.length >= MOST_WAITING) return lose();
      gathered += `${line}\n`;
      waiting += line.length + 1;
      if (writing !== undefined) return;
      if (gathered.length >= BATCH) begin();
      else timer ??= setTimeout(begin, BATCH_MS);
    },
    async flush() {
      begin();
      while (writing !== undefined) {
        const before = moved;
        let late: ReturnType<typeof setTimeout> | undefined;
        const stuck = new Promise<void>((resolve) => (late = setTimeout(resolve, STUCK_MS)));
        await Promise.race([writing, stuck]);
        clearTimeout(late);
        if (writing !== undefined && moved === before) return;
      }
    },
  };
}
