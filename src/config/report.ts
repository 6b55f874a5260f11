// Tells the faults of a config: to people in a line each, to machines as JSON.
import type { ConfigFault, ConfigPath } from "./fault.ts";
import { locator } from "./locate.ts";

/** Where a fault stands. Line and column count from 1 and are absent when the source does not show them. */
export interface FaultPlace {
  /** As it is to be shown. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** A fault for machines, as `check --json` writes it. */
export interface FaultJson extends FaultPlace {
  /** As people write it: `routes.orders.to`; "" for the whole config. */
  readonly path: string;
  readonly keys: readonly (string | number)[];
  readonly found?: string;
  readonly wanted: string;
  readonly nearest?: string;
  readonly hint?: string;
  readonly example?: string;
  /** All of it in sentences. */
  readonly message: string;
}

/** A path as people write it: `routes.orders.match.0`, with `["…"]` for a key that is no word. */
export function formatPath(path: ConfigPath): string {
  const parts = path.map((key, i) => {
    if (/^[\w$-]+$/.test(String(key))) return i === 0 ? String(key) : `.${key}`;
    return `[${JSON.stringify(String(key).slice(0, 60))}]`;
  });
  return oneLine(parts.join(""));
}

/** What is wrong, in sentences and without its place: `"oders" is not an upstream. Did you mean "orders"?` */
export function messageOf(fault: ConfigFault): string {
  const { found, wanted, hint, example, nearest } = fault;
  const sentences = [found === undefined ? `wanted ${wanted}.` : `${found} is not ${wanted}.`];
  if (hint !== undefined) sentences.push(hint);
  if (example !== undefined) sentences.push(`For example: ${example}`);
  if (nearest !== undefined) sentences.push(`Did you mean ${JSON.stringify(nearest)}?`);
  return oneLine(sentences.join(" "));
}

/** One fault as one line of text: `gateway.config.ts:14:22  routes.orders.to: "oders" is not an upstream. …` */
export function formatFault(fault: ConfigFault, { file, line, column }: FaultPlace): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const path = formatPath(fault.path);
  return `${place}  ${path === "" ? "" : `${path}: `}${messageOf(fault)}`;
}

/** One fault for machines. */
export function faultJson(fault: ConfigFault, place: FaultPlace): FaultJson {
  const { path, ...rest } = fault;
  return { ...place, path: formatPath(path), keys: path, ...rest, message: messageOf(fault) };
}

/** Each fault with its place in the source, in the order of the source. Without a source in the order they came. */
export function placeFaults(
  faults: readonly ConfigFault[],
  file: string,
  source: string | undefined,
): readonly (readonly [fault: ConfigFault, place: FaultPlace])[] {
  const placeOf = source === undefined ? undefined : locator(source);
  const placed = faults.map((fault) => {
    const place: FaultPlace = { file, ...placeOf?.(fault.path) };
    return [fault, place] as const;
  });
  const order = ({ line = 0, column = 0 }: FaultPlace): readonly [number, number] => [line, column];
  return placed.toSorted(([, a], [, b]) => {
    const [[lineA, columnA], [lineB, columnB]] = [order(a), order(b)];
    return lineA - lineB || columnA - columnB;
  });
}

/** Keys of the user's own may hold anything: a message stays on its line. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\0-\x1f\x7f\u2028\u2029]+/g, " ");
}
