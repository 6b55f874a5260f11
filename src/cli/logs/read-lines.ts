// The lines of a log: of standard input, or of a file that may grow, be cut or be put in another's place meanwhile.
import { open, stat, type FileHandle } from "node:fs/promises";

/** A line is cut at so many characters: what is longer is none of an access log. */
const MOST = 1024 * 1024;
const CHUNK = 65_536;
/** A file that is followed is looked at again after so long. */
const AGAIN_MS = 200;

/** Whole lines of pieces of text; what stands behind the last newline is a line too, once it has ended. */
class Splitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  take(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!.slice(0, MOST);
    return lines;
  }

  end(): string[] {
    const last = this.#rest;
    this.#rest = "";
    return last === "" ? [] : [last];
  }
}

/** Lines of standard input, some at a time. */
export async function* linesOfInput(input: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const splitter = new Splitter();
  for await (const bytes of input) yield splitter.take(bytes);
  yield splitter.end();
}

/**
 * Lines of a file, some at a time.
 * @param follow goes on at its end, and with the file that takes its place; it never ends by itself
 */
export async function* linesOfFile(path: string, follow: boolean): AsyncGenerator<readonly string[]> {
  const buffer = new Uint8Array(CHUNK);
  const splitter = new Splitter();
  let file = await open(path);
  /** What to go on with once this one is read to its end. */
  let next: FileHandle | undefined;
  try {
    for (let at = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      at += bytesRead;
      if (bytesRead > 0) yield splitter.take(buffer.subarray(0, bytesRead));
      else if (next !== undefined) {
        yield splitter.end();
        await file.close();
        [file, next, at] = [next, undefined, 0];
      } else {
        if (!follow) break;
        next = await successor(path, file, at);
        if (next === undefined) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    yield splitter.end();
  } finally {
    await file.close();
    await next?.close();
  }
}

/** The file to go on with, when another one stands at the path, or this one was cut. */
async function successor(path: string, file: FileHandle, at: number): Promise<FileHandle | undefined> {
  try {
    const [now, own] = await Promise.all([stat(path), file.stat()]);
    const isSame = now.ino === own.ino && now.dev === own.dev;
    return isSame && now.size >= at ? undefined : await open(path);
  } catch {
    // It was moved away, and nothing stands there yet.
    return undefined;
  }
}
