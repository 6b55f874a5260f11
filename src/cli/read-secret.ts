// A secret from standard input: what was piped, or what somebody types, which is not shown.
import { ReadStream } from "node:tty";
import { usageError } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** More than any key or password has. */
const MOST = 64 * 1024;

/** Whether standard input is a terminal. */
export function isTyped(): boolean {
  return process.stdin.isTTY === true;
}

/**
 * The secret, without one newline at its end. Throws a refusal (64) when there is none, or more than one line.
 * @param what for messages, such as "key"
 */
export async function readSecret(what: string, terminal: Terminal, again = false): Promise<string> {
  const secret = isTyped()
    ? await typed(`${what}${again ? " again" : ""} (it is not shown): `, terminal)
    : withoutNewline(await piped(what));
  if (secret === "")
    throw usageError(`There is no ${what} on standard input.`, `Pipe it in, or type it at a terminal.`);
  if (/[\r\n]/.test(secret)) throw usageError(`Standard input holds more than one line; one ${what} is wanted.`);
  return secret;
}

function withoutNewline(text: string): string {
  return text.replace(/\r?\n$/, "");
}

async function piped(what: string): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MOST) throw usageError(`Standard input is too long for a ${what}.`);
    pieces.push(piece);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw usageError("Standard input is not UTF-8.");
  }
}

/** One line that the terminal does not echo. */
async function typed(prompt: string, terminal: Terminal): Promise<string> {
  const { stdin } = process;
  if (!(stdin instanceof ReadStream)) throw usageError("Standard input is no terminal.");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line = "";
  const take = (text: string): void => {
    for (const character of text) {
      if (character === "\r" || character === "\n" || character === "\u0004") return resolve(line);
      if (character === "\u0003") return reject(usageError("Given up."));
      if (character === "\u007f" || character === "\b") line = line.replace(/.$/su, "");
      else line += character;
    }
  };
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.on("data", take);
  stdin.resume();
  stdin.once("end", () => resolve(line));
  terminal.ask(prompt);
  try {
    return await promise;
  } finally {
    stdin.off("data", take);
    stdin.pause();
    stdin.setRawMode(false);
    terminal.ask("\n");
  }
}
