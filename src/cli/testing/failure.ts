// What a test has thrown, in words: the message, the line of the test where it came from.
import type { Place } from "../exit.ts";
import type { Sources } from "../sources.ts";
import { userFrame } from "../stack.ts";
import type { Failure } from "./messages.ts";

/** Most characters of a message. */
const MOST_MESSAGE = 16_384;

/** The message, the place and the line of what a test has thrown. */
export function failureOf(thrown: unknown, sources: Sources): Failure {
  const error = thrown instanceof Error ? thrown : undefined;
  const place = userFrame(error?.stack, (file) => sources.texts.has(file));
  const text = error === undefined ? `it threw ${Bun.inspect(thrown)}` : textOf(error);
  const message = Bun.stripANSI(text).slice(0, MOST_MESSAGE).trim();
  return { message, place, source: place && lineAt(place, sources) };
}

function textOf(error: Error): string {
  // Matchers throw plain errors whose message says all.
  const name = error.name === "Error" || error.name === "ConfigFault" ? "" : `${error.name}: `;
  const cause = error.cause instanceof Error ? `\ncaused by: ${textOf(error.cause)}` : "";
  return `${name}${error.message}${cause}`;
}

function lineAt({ file, line = 1 }: Place, { texts }: Sources): string | undefined {
  return texts.get(file)?.split("\n")[line - 1]?.trim();
}
