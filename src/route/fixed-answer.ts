// Fixed answers: an answer that stands in the config, encoded once.
import { Answer } from "../answer.ts";
import type { FixedAnswer } from "../config/options.ts";
import { messageOf } from "../errors.ts";
import { fieldKey, Fields, HOP_BY_HOP } from "../http/fields.ts";
import { wireText } from "../http/latin1.ts";

/** Statuses that never have content (RFC 9110 section 15). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Compiles an answer into a function that returns a new one each time; their content is shared and must not be changed.
 * Text is sent as UTF-8 (`text/plain; charset=utf-8`), any other body as JSON (`application/json`), unless `headers`
 * names a content type. Throws an Error for what cannot be sent; {@link fixedAnswerFault} tells it without throwing.
 */
export function compileFixedAnswer(answer: FixedAnswer): () => Answer {
  const fault = fixedAnswerFault(answer);
  if (fault !== undefined) throw new Error(fault);
  const { status = 200, body } = answer;
  const lines = Object.entries(answer.headers ?? {}).map(([name, value]) => [name, wireText(value)] as const);
  const text = bodyText(body);
  if (text !== undefined && !lines.some(([name]) => fieldKey(name) === "content-type")) {
    lines.push(["Content-Type", typeof body === "string" ? "text/plain; charset=utf-8" : "application/json"]);
  }
  const content = text === undefined ? null : new TextEncoder().encode(text);
  return () => new Answer(status, undefined, Fields.of(...lines), content);
}

/** Why an answer cannot be sent: one sentence for the operator. Undefined when it can. */
export function fixedAnswerFault(answer: FixedAnswer): string | undefined {
  const { status = 200, headers = {}, body } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) return `The status ${status} is not from 200 to 599.`;
  if (body !== undefined && WITHOUT_CONTENT.has(status))
    return `An answer of status ${status} has no body: leave \`body\` out.`;
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(key)) return `\`${name}\` is no field name.`;
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) return `The value of \`${name}\` holds a control character.`;
    if (key === "content-length" || HOP_BY_HOP.has(key)) return `\`${name}\` is set by the listener: leave it out.`;
  }
  try {
    if (body !== undefined && bodyText(body) === undefined) return "The body has no JSON form.";
  } catch (error) {
    return `The body has no JSON form: ${messageOf(error)}.`;
  }
  return undefined;
}

/** Undefined without a body, and for a value that JSON leaves out, such as a function. */
function bodyText(body: unknown): string | undefined {
  return typeof body === "string" ? body : JSON.stringify(body);
}
