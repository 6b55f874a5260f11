// The text that is signed (RFC 9421 section 2.5).
import { type InnerList, type Item, serializeInnerList, serializeItem } from "structured-headers";
import type { Exchange } from "../../exchange.ts";
import { componentValue, type PublicOrigin, Uncovered } from "./components.ts";

/** Most components of one signature. */
const MOST_COMPONENTS = 64;

/**
 * The signature base: a line for each covered component in its order, and last the parameters as they are serialized.
 * Latin1 text: a character is a byte.
 * @throws Uncovered
 */
export function signatureBase(input: InnerList, x: Exchange, origin: PublicOrigin): string {
  const [components] = input;
  if (components.length > MOST_COMPONENTS) throw new Uncovered("malformed", `over ${MOST_COMPONENTS} components`);
  const seen = new Set<string>();
  let base = "";
  for (const component of components) {
    const [name, parameters] = component;
    if (typeof name !== "string") throw new Uncovered("malformed", "a component's name is no string");
    const identity = identityOf(name, component);
    if (seen.has(identity)) throw new Uncovered("malformed", `${serializeItem(component)} is covered twice`);
    seen.add(identity);
    base += `${serializeItem(component)}: ${componentValue(name, parameters, x, origin)}\n`;
  }
  return `${base}"@signature-params": ${serializeInnerList(input)}`;
}

/** Parameters count, their order does not (section 2). */
function identityOf(name: string, [, parameters]: Item): string {
  return serializeItem([name, new Map([...parameters].sort(([a], [b]) => (a < b ? -1 : 1)))]);
}
