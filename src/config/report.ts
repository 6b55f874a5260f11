// Tells the faults of a config: to people in a line each, to machines as JSON.
import type { ConfigFault } from "./fault.ts";
import { locator } from "./locate.ts";
import { formatPath, sentenceOf } from "./message.ts";

export { formatPath, sentenceOf };

/** Where a fault stands. Line and column count from 1 and are absent when the source does not show them. */
export interface FaultPlace {
  /** The path, as it is to be shown. */
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
  /** The whole fault in sentences. */
  readonly message: string;
}

/** One fault as one line of text: `gateway.config.ts:14:22  routes.orders.to: "oders" is not an upstream. …` */
export function formatFault(fault: ConfigFault, { file, line, column }: FaultPlace): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const path = formatPath(fault.path);
  return `${place}  ${path === "" ? "" : `${path}: `}${sentenceOf(fault)}`;
}

/** A fault and its place, as `check --json` writes them. */
export function faultJson(fault: ConfigFault, place: FaultPlace): FaultJson {
  const { path, place: _, ...rest } = fault;
  return { ...place, path: formatPath(path), keys: path, ...rest, message: sentenceOf(fault) };
}

/** Each fault with its place in the source, in the order of the source. Without a source in the order they came. */
export function placeFaults(
  faults: readonly ConfigFault[],
  file: string,
  source: string | undefined,
): readonly (readonly [fault: ConfigFault, place: FaultPlace])[] {
  const placeOf = source === undefined ? undefined : locator(source);
  const placed = faults.map((fault) => {
    const found = placeOf?.(fault.path);
    const place: FaultPlace = fault.place ?? { file, ...(found && { line: found.line, column: found.column }) };
    return [fault, place] as const;
  });
  const order = ({ line = 0, column = 0 }: FaultPlace): readonly [number, number] => [line, column];
  return placed.toSorted(([, a], [, b]) => {
    const [[lineA, columnA], [lineB, columnB]] = [order(a), order(b)];
    return lineA - lineB || columnA - columnB;
  });
}
