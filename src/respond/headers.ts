// Changes that a route makes to the fields of a message in passing. Compiled once, when the plan is loaded.
import type { FieldChangesPlan } from "../config/plan.ts";
import type { Fields } from "../http/fields.ts";
import { HOP_BY_HOP, fieldKey } from "../http/fields.ts";
import { wireText } from "../http/latin1.ts";

/**
 * A function that removes, then sets, in place; undefined when there is nothing to do. Names are compared without case.
 * `set` leaves one line in place of all lines of that name. Text beyond ASCII goes out as UTF-8. Secrets are revealed
 * here, so that a request costs nothing.
 * Throws a TypeError for a name or a value that would break the message, or that frames it. The value is not in the text.
 */
export function fieldChanges(plan: FieldChangesPlan | undefined): ((fields: Fields) => void) | undefined {
  if (plan === undefined || (plan.remove.length === 0 && plan.set.length === 0)) return undefined;
  const removed = plan.remove.map(fieldKey);
  const set = plan.set.map(([name, value]): readonly [string, string] => {
    const text = typeof value === "string" ? value : value.reveal();
    checkLine(name, text);
    return [name, wireText(text)];
  });
  return (fields) => {
    for (const key of removed) fields.delete(key);
    for (const [name, value] of set) fields.set(name, value);
  };
}

function checkLine(name: string, value: string): void {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name))
    throw new TypeError(`"${name}" is not a field name. Use letters, digits and "-".`);
  const key = fieldKey(name);
  if (HOP_BY_HOP.has(key) || key === "content-length") {
    throw new TypeError(`The field "${name}" belongs to the connection and cannot be set. Remove it from the changes.`);
  }
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new TypeError(`The value for the field "${name}" holds a control character (a line break?). Remove it.`);
  }
}
