// Conditions beside path, host and method: fields and query parameters a request must have.
import type { MatchPlan } from "../config/plan.ts";
import type { Fields } from "../http/fields.ts";
import { decodeForm } from "../http/query.ts";
import { wireText } from "../http/latin1.ts";

/** One condition. `true`: there, with whatever value. */
export type Condition = readonly [name: string, value: string | true];

/** The conditions of one match, ready to be asked. */
export interface Conditions {
  readonly headers: readonly Condition[];
  readonly query: readonly Condition[];
}

/** The conditions of a match, or undefined when it has none. */
export function conditionsOf(match: MatchPlan): Conditions | undefined {
  if (match.headers.length + match.query.length === 0) return undefined;
  const headers = match.headers.map(([name, value]): Condition => [
    name.toLowerCase(),
    value === true || wireText(value),
  ]);
  return { headers, query: match.query };
}

/**
 * Whether all conditions hold: see {@link unmetCondition}.
 */
export function conditionsHold(conditions: Conditions, query: string, fields: Fields): boolean {
  return unmetCondition(conditions, query, fields) === undefined;
}

/**
 * The first condition that does not hold. A field has a value when all its lines, joined (RFC 9110 section 5.3), are that value.
 * A query parameter has a value when every occurrence has it: with `?v=1&v=2` nobody can say which one the upstream
 * will read, so `v` has neither. Names and values of parameters are compared decoded, "+" being a space.
 */
export function unmetCondition(conditions: Conditions, query: string, fields: Fields): Condition | undefined {
  for (const condition of conditions.headers) {
    const [name, value] = condition;
    if (value === true ? !fields.has(name) : fields.joined(name) !== value) return condition;
  }
  for (const condition of conditions.query) if (!parameterHolds(query, condition[0], condition[1])) return condition;
  return undefined;
}

function parameterHolds(query: string, name: string, value: string | true): boolean {
  let found = false;
  for (let from = 1; from < query.length;) {
    const ampersand = query.indexOf("&", from);
    const end = ampersand < 0 ? query.length : ampersand;
    const equals = query.indexOf("=", from);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    // "&&" holds no parameter, "=x" one without a name.
    if (end > from && decodeForm(query.slice(from, nameEnd)) === name) {
      if (value === true) return true;
      if (decodeForm(query.slice(nameEnd + 1, Math.max(end, nameEnd + 1))) !== value) return false;
      found = true;
    }
    from = end + 1;
  }
  return found;
}

/** What makes the conditions of a match impossible to meet: one sentence each for the operator. */
export function impossibleConditions(match: MatchPlan): string[] {
  const faults: string[] = [];
  for (const [name, value] of match.headers) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) faults.push(`\`${name}\` is no field name.`);
    else if (value !== true && /^[ \t]|[ \t]$|[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
      faults.push(
        `No field \`${name}\` can have that value: it begins or ends with a blank or holds a control character.`,
      );
    }
  }
  faults.push(...contradictions("field", lowerCased(match.headers)), ...contradictions("query parameter", match.query));
  return faults;
}

function lowerCased(conditions: readonly Condition[]): Condition[] {
  return conditions.map(([name, value]) => [name.toLowerCase(), value]);
}

function contradictions(what: string, conditions: readonly Condition[]): string[] {
  const faults: string[] = [];
  const values = new Map<string, string>();
  for (const [name, value] of conditions) {
    if (value === true) continue;
    const other = values.get(name);
    if (other !== undefined && other !== value) {
      faults.push(`The ${what} \`${name}\` cannot be both \`${other}\` and \`${value}\`.`);
    }
    values.set(name, value);
  }
  return faults;
}
