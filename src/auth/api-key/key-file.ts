// The key file: YAML, cut into its consumers so that any number of keys can be read in short turns.
import type { KeyFileContent } from "../../config/auth/plan.ts";
import { KeyBook, type KeyFileContext, type KeyFileFault } from "./key-book.ts";
import { ConsumerLines, indentOf } from "./key-file-lines.ts";
import { readConsumer, readWhole } from "./key-file-yaml.ts";

/** What a file says, or what is wrong with it. */
export type KeyFileResult = KeyFileContent | readonly KeyFileFault[];

/** Most characters that the YAML reader is given at once: they take it a quarter of a second. */
const MOST_YAML = 2 ** 20;
/** Lines that are read in one turn. */
const TURN = 512;

/** The lines up to and with `consumers:`, where they are as usual. */
const HEAD = /^\ufeff?(?: *(?:#.*)?\r?\n)*(?:--- *\r?\n(?: *(?:#.*)?\r?\n)*)?consumers: *(?: #.*)?\r?\n/;

/** Whether the result is the content of a key file, and not its faults. */
export function isContent(result: KeyFileResult): result is KeyFileContent {
  return "consumers" in result;
}

/** Reads a key file without a pause; {@link keyFileTurns} does the same in turns. */
export function readKeyFile(text: string, context: KeyFileContext): KeyFileResult {
  const turns = keyFileTurns(text, context);
  for (;;) {
    const turn = turns.next();
    if (turn.done === true) return turn.value;
  }
}

/**
 * Reads a file in turns of a few milliseconds; between them whoever drives this may do other things.
 *
 * A consumer in the form that `sluice keys new` prints is read line by line. One that is written otherwise goes to the
 * YAML reader as a whole, and so does a short file whose outer form is another. Both give the same; the YAML reader is
 * more than ten times slower.
 */
export function* keyFileTurns(text: string, context: KeyFileContext): Generator<undefined, KeyFileResult> {
  const book = new KeyBook(text, context);
  let at = HEAD.exec(text)?.[0].length ?? -1;
  let indent = 0;
  let block: ConsumerLines | undefined;
  for (let count = 1; at >= 0 && at < text.length && !book.isFull; count++) {
    const newline = text.indexOf("\n", at);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, text[newline - 1] === "\r" ? newline - 1 : newline < 0 ? next : newline);
    const depth = indentOf(line);
    if (depth !== undefined) {
      if (indent === 0) indent = depth;
      if (depth === 0 || depth < indent || (depth === indent && !ConsumerLines.begins(line))) {
        at = -1;
        break;
      }
      if (depth === indent) {
        if (block !== undefined && !enter(block, text, at, book)) yield undefined;
        block = new ConsumerLines(line, at);
      } else block!.take(line, at);
    }
    at = next;
    if (count % TURN === 0) yield undefined;
  }
  if (at >= 0 && block !== undefined) {
    enter(block, text, text.length, book);
    return book.close();
  }
  return otherwise(text, context, Math.max(at, 0));
}

/** Takes a consumer down. False when it took the YAML reader. */
function enter(block: ConsumerLines, text: string, end: number, book: KeyBook): boolean {
  const { name, groups, keys, start } = block;
  if (block.isPlain) book.add(name, groups, keys);
  else if (end - start > MOST_YAML) {
    book.fault(
      start,
      "a consumer that can be read line by line",
      'Write each key as `- "sha256:…"` on a line of its own.',
    );
  } else readConsumer(text.slice(start, end), start, book);
  return block.isPlain;
}

/** A file of another outer form: flow style, other keys, several documents. */
function otherwise(text: string, context: KeyFileContext, at: number): KeyFileResult {
  const book = new KeyBook(text, context);
  if (text.length <= MOST_YAML) readWhole(text, book);
  else
    book.fault(
      at,
      "a file that can be read line by line",
      "It begins with the line `consumers:`; below are the names.",
    );
  return book.close();
}
