// What is wrong with a config in sentences, for every runtime: no source is read here.
import type { ConfigFault, ConfigPath } from "./fault.ts";

/** A path as people write it: `routes.orders.match.0`, with `["…"]` for a key that is no word. */
export function formatPath(path: ConfigPath): string {
  const parts = path.map((key, i) => {
    if (/^[\w$-]+$/.test(String(key))) return i === 0 ? String(key) : `.${key}`;
    return `[${JSON.stringify(String(key).slice(0, 60))}]`;
  });
  return oneLine(parts.join(""));
}

/** What is wrong, in sentences and without its place: `"oders" is not an upstream. Did you mean "orders"?` */
export function sentenceOf(fault: ConfigFault): string {
  const { found, wanted, hint, example, nearest } = fault;
  const sentences = [found === undefined ? `wanted ${wanted}.` : `${found} is not ${wanted}.`];
  if (hint !== undefined) sentences.push(hint);
  if (example !== undefined) sentences.push(`For example: ${example}`);
  if (nearest !== undefined) sentences.push(`Did you mean ${JSON.stringify(nearest)}?`);
  return oneLine(sentences.join(" "));
}

/** Keys of the user's own may hold anything: a message stays on its line. */
function oneLine(text: string): string {
  return text.replace(/[\0-\x1f\x7f\u2028\u2029]+/g, " ");
}
