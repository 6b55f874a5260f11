// Rows of text in aligned columns, within the width of a terminal.
import type { Terminal } from "./terminal.ts";

/** Between two columns. */
const GAP = "  ";
/** A column gets no narrower than this: a terminal that is narrower still breaks the lines itself. */
const NARROWEST = 8;

/** A table: what its columns are called, and texts by row. */
export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * The table as lines. Columns without any text are left out. Where it is wider than `width` the widest columns are made
 * narrower, and their texts go on below.
 * @param width in characters; undefined for as wide as it is
 */
export function tableText(table: Table, width: number | undefined, { bold }: Terminal["outColors"]): string {
  const { heads, rows } = withoutEmpty(table);
  const widths = widthsWithin(
    heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]!.length))),
    width,
  );
  const lineOf = (texts: readonly string[]): string =>
    texts
      .map((text, at) => text.padEnd(widths[at]!))
      .join(GAP)
      .trimEnd();
  const linesOf = (row: readonly string[]): string[] => {
    const cells = row.map((text, at) => wrapped(text, widths[at]!));
    const height = Math.max(...cells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => lineOf(cells.map((lines) => lines[line] ?? "")));
  };
  return [...linesOf(heads).map((line) => bold(line)), ...rows.flatMap(linesOf)].join("\n");
}

function withoutEmpty({ heads, rows }: Table): Table {
  const isUsed = (_: string, at: number): boolean => rows.some((row) => row[at] !== "");
  return { heads: heads.filter(isUsed), rows: rows.map((row) => row.filter(isUsed)) };
}

/** Takes from the widest column until all fit. */
function widthsWithin(widths: number[], width = Infinity): number[] {
  const gaps = GAP.length * (widths.length - 1);
  for (let over = widths.reduce((sum, each) => sum + each, gaps) - width; over > 0; over--) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}

/** Lines of a text: broken at blanks, else where a line is full. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(" ", width);
    const end = blank > 0 ? blank : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
