// Whether a request is one of those that a branch or a fault is meant for.
import type { WhenPlan } from "../config/shaping/plan.ts";
import type { Exchange } from "../exchange.ts";
import { cookieValues } from "../http/cookies.ts";
import { wireText } from "../http/latin1.ts";
import { conditionsHold } from "./conditions.ts";

/**
 * Compiles the conditions, all of which must hold. A cookie has a value when one of its pairs has it: browsers may hold
 * several of one name.
 */
export function whenHolds({ headers, cookies, consumers, groups }: WhenPlan): (x: Exchange) => boolean {
  const fields = { headers: headers.map(([name, value]) => [name, onWire(value)] as const), query: [] };
  const pairs = cookies.map(([name, value]) => [name, onWire(value)] as const);
  return (x) => {
    if (!conditionsHold(fields, "", x.fields)) return false;
    for (const [name, value] of pairs) {
      const values = cookieValues(x.fields, name);
      if (value === true ? values.size === 0 : !values.has(value)) return false;
    }
    const consumer = x.identity?.consumer;
    if (consumers !== undefined && (consumer === undefined || !consumers.includes(consumer.name))) return false;
    return groups === undefined || consumer?.groups.some((group) => groups.includes(group)) === true;
  };
}

function onWire(value: string | true): string | true {
  return value === true || wireText(value);
}
