// The schema of field names and values: changes in passing, headers of fixed answers, conditions.
import { HOP_BY_HOP } from "../http/fields.ts";
import { isToken } from "../http/message.ts";
import { Problem, type ConfigReader } from "./fault.ts";
import type { FieldChangesPlan } from "./plan.ts";
import type { Secret } from "./secrets.ts";
import { either, leaf, list, maybe, named, options, then, type Shape } from "./shape.ts";
import { hiddenText, text } from "./values.ts";

/** Which message fields stand in. */
export type Side = "request" | "response";

const A_NAME = "a field name";
const A_VALUE = "a field value";

/** Why the text cannot be the value of a field (RFC 9110 section 5.5). The value itself is not told. */
function valueProblem(value: string): Problem | undefined {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    const lineBreak = /[\r\n]/.test(value);
    return new Problem(A_VALUE, { hint: `It holds a ${lineBreak ? "line break" : "control character"}.` });
  }
  if (/^[ \t]|[ \t]$/.test(value)) return new Problem(A_VALUE, { hint: "It begins or ends with a blank." });
  return undefined;
}

/** Why no field can have this name, or why it stands twice: names are compared without case. */
function nameProblem(name: string, at: number, names: readonly string[]): Problem | undefined {
  if (!isToken(name)) return new Problem(A_NAME, { hint: 'A name has letters, digits and "-".' });
  if (name.includes("*")) return new Problem(A_NAME, { hint: "Names are given whole: there are no wildcards." });
  const twin = names.slice(0, at).find((other) => other.toLowerCase() === name.toLowerCase());
  if (twin === undefined) return undefined;
  return new Problem("a new name", { hint: `"${twin}" stands before it, and case does not count.` });
}

/** Why a field is not the config's to set. */
function ownedProblem(name: string, side: Side): Problem | undefined {
  const key = name.toLowerCase();
  const wanted = "a field that may be set";
  if (HOP_BY_HOP.has(key)) return new Problem(wanted, { hint: "It belongs to one connection and is never forwarded." });
  if (key === "content-length") return new Problem(wanted, { hint: "The gateway frames each message itself." });
  if (key === "host" && side === "request") return new Problem(wanted, { hint: "Set `host` of the upstream instead." });
  return undefined;
}

/** Why a field is not the config's to remove. */
function keptProblem(name: string, side: Side): Problem | undefined {
  const key = name.toLowerCase();
  const wanted = "a field that may be removed";
  if (key === "content-length") return new Problem(wanted, { hint: "The gateway frames each message itself." });
  if (key === "host" && side === "request") return new Problem(wanted, { hint: "Every request has one." });
  return undefined;
}

/** Why a request cannot have a field of this name, or why it is a matter of its framing. */
export function fieldNameProblem(name: string): Problem | undefined {
  return nameProblem(name, 0, []) ?? ownedProblem(name, "request");
}

/** The name of a field that a request may have and that is no matter of its framing. As written. */
export const fieldName: Shape<string> = text(A_NAME, (name) => fieldNameProblem(name) ?? name);

/** Fields to write into a message: values may be secrets. */
export function fieldsToSet(
  side: Side,
  reader: ConfigReader,
): Shape<readonly (readonly [name: string, value: string | Secret])[]> {
  const value = hiddenText<string | Secret>(
    A_VALUE,
    reader,
    (found) => valueProblem(found.text) ?? found.secret ?? found.text,
  );
  return named(value, "an object of field names and values", (name, at, names) => {
    return nameProblem(name, at, names) ?? ownedProblem(name, side);
  });
}

/** `set` and `remove`; undefined when there is nothing to do. */
export function fieldChanges(side: Side, reader: ConfigReader): Shape<FieldChangesPlan | undefined> {
  const set = fieldsToSet(side, reader);
  const removed = text(A_NAME, (name) => nameProblem(name, 0, []) ?? keptProblem(name, side) ?? name.toLowerCase());
  const changes = options({ set: maybe(set), remove: maybe(list(removed, "a list of field names")) });
  return then(changes, ({ set = [], remove = [] }) => (set.length + remove.length === 0 ? undefined : { remove, set }));
}

/** Checks `headers` of a fixed answer: an object of field names and values. */
export function answerFields(): Shape<readonly (readonly [name: string, value: string])[]> {
  const value = text(A_VALUE, (written) => valueProblem(written) ?? written);
  return named(value, "an object of field names and values", (name, at, names) => {
    return nameProblem(name, at, names) ?? ownedProblem(name, "response");
  });
}

/** Conditions on fields. Names come out in lower case. */
export function fieldConditions(): Shape<readonly (readonly [name: string, value: string | true])[]> {
  const conditions = named(condition("a field value, or true", valueProblem), "an object of field names", nameProblem);
  return then(conditions, (lines) => lines.map(([name, value]) => [name.toLowerCase(), value] as const));
}

/** Conditions on query parameters. */
export function queryConditions(): Shape<readonly (readonly [name: string, value: string | true])[]> {
  const value = condition("a parameter's value, or true", () => undefined);
  return named(value, "an object of parameter names", (name) => {
    return name === "" ? new Problem("a parameter name", { hint: "It is empty." }) : undefined;
  });
}

/** Checks conditions on cookies: an object of names, each with a value or `true` for any. */
export function cookieConditions(): Shape<readonly (readonly [name: string, value: string | true])[]> {
  const value = condition("a cookie's value, or true", (written) => {
    // What separates cookies is in none (RFC 6265 section 4.1.1).
    return /^[^\s;,\p{Cc}]+$/u.test(written) ? undefined : new Problem("a cookie's value, or true");
  });
  return named(value, "an object of names of cookies", (name) =>
    isToken(name) ? undefined : new Problem("the name of a cookie"),
  );
}

function condition(wanted: string, problemOf: (value: string) => Problem | undefined): Shape<string | true> {
  const isTrue = leaf((): true => true);
  return either(
    (value) => value === true,
    isTrue,
    text(wanted, (value) => problemOf(value) ?? value),
  );
}
