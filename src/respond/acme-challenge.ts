// What an authority is answered that asks whether a host is ours (ACME's http-01, RFC 8555 section 8.3).
import { type Answer, answerOfBytes } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { answersIn, type Issued } from "../issued.ts";
import type { Platform } from "../platform.ts";

const FOLDER = "/.well-known/acme-challenge/";

/**
 * Answers for tokens that are pending, here or in a process that shares the folder; undefined for all else, which goes on
 * as if nothing had been asked.
 */
export function challengeAnswer(
  issued: Issued,
  { files }: Pick<Platform, "files">,
): (x: Exchange) => Answer | Promise<Answer | undefined> | undefined {
  type Answers = ReadonlyMap<string, string>;
  let reading: Promise<Answers> | undefined;
  let next: Promise<Answers> | undefined;
  const read = (file: string): Promise<Answers> => {
    next = undefined;
    const begun = files!.read(file).then(answersIn, (): Answers => new Map());
    reading = begun;
    void begun.then(() => reading === begun && (reading = undefined));
    return begun;
  };
  // However many ask, one read is under way: who comes meanwhile waits for the next, which knows what was written by then.
  const answersOfOthers = (file: string): Promise<Answers> =>
    reading === undefined ? read(file) : (next ??= reading.then(() => read(file)));
  return ({ path, method }) => {
    if (!path.startsWith(FOLDER) || (method !== "GET" && method !== "HEAD")) return undefined;
    const token = path.slice(FOLDER.length);
    const { answers, answersFile } = issued.state;
    const own = answers.get(token);
    if (own !== undefined) return answerOf(method, own);
    if (answersFile === undefined || files === undefined) return undefined;
    return answersOfOthers(answersFile).then((all) => {
      const text = all.get(token);
      return text === undefined ? undefined : answerOf(method, text);
    });
  };
}

function answerOf(method: string, text: string): Answer {
  const fields = Fields.of(["Content-Type", "application/octet-stream"], ["Cache-Control", "no-store"]);
  return answerOfBytes(method, 200, fields, new TextEncoder().encode(text));
}
