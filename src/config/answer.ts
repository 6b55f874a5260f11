// The schema of fixed answers.
import { Problem } from "./fault.ts";
import { answerFields } from "./field-changes.ts";
import type { FixedAnswer } from "./options.ts";
import { EnvReference, Secret } from "./secrets.ts";
import { leaf, maybe, options, or, then, type Shape } from "./shape.ts";
import { holdsMark, whole } from "./values.ts";

/** Statuses that never have content (RFC 9110 section 15). */
const WITHOUT_CONTENT: readonly unknown[] = [204, 205, 304];

const A_BODY = "a text, or a value that JSON can hold";

/** A fixed answer, its status filled in. */
export const answerShape: Shape<FixedAnswer> = then(
  options(
    { status: or(whole(200, 599), 200), headers: maybe(answerFields()), body: leaf(readBody) },
    function* (right, written) {
      if (WITHOUT_CONTENT.includes(right.status) && written["body"] !== undefined) {
        yield new Problem(`no body, as status ${right.status} has none`, { at: ["body"] });
      }
    },
  ),
  ({ status, headers, body }) => ({
    status,
    ...(headers !== undefined && { headers: Object.fromEntries(headers) }),
    ...(body !== undefined && { body }),
  }),
);

function readBody(body: unknown): unknown {
  if (body === undefined) return undefined;
  try {
    const json: string | undefined = JSON.stringify(body, refuseHidden);
    if (json !== undefined) return body;
  } catch (error) {
    return new Problem(A_BODY, {
      hint: error instanceof HiddenInBody ? error.message : "It cannot be written as JSON.",
    });
  }
  return new Problem(A_BODY);
}

class HiddenInBody extends Error {}

/** A secret would be sent as the mark that stands in its place. */
function refuseHidden(this: unknown, key: string, value: unknown): unknown {
  const raw = (this as Record<string, unknown>)[key];
  const hidden = raw instanceof EnvReference || raw instanceof Secret || (typeof raw === "string" && holdsMark(raw));
  if (hidden) throw new HiddenInBody("It holds what env() returned: an answer for everybody has no secrets.");
  return value;
}
