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
    heads.map((head, at) => Math.max(widthOf(head), ...rows.map((row) => widthOf(row[at]!)))),
    width,
  );
  const lineOf = (texts: readonly string[]): string =>
    texts
      .map((text, at) => text + " ".repeat(Math.max(0, widths[at]! - widthOf(text))))
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

/** How wide a terminal shows it: some characters take two places, others none. */
function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** How much of a text that is too wide fits: its length up to there, one character at least. */
function fitting(text: string, width: number): number {
  let taken = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    taken += widthOf(segment);
    if (taken > width && index > 0) return index;
  }
  return text.length;
}

/** Lines of a text: broken at blanks, else where a line is full. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (widthOf(rest) > width) {
    const fits = fitting(rest, width);
    const blank = rest.lastIndexOf(" ", fits);
    const end = blank > 0 ? blank : fits;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
