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
  const { head, rows } = blockOf(table, width);
  return [...head.map((line) => bold(line)), ...rows.flat()].join("\n");
}

/**
 * Tables below each other, of which those without rows are left out. Where they are higher than `height` the longest ones
 * lose rows, and say so; where even one row of each is too much the last ones are left out.
 * @param height in lines; undefined for as high as they are
 */
export function tablesText(
  tables: readonly Table[],
  { width, height = Infinity }: { readonly width?: number | undefined; readonly height?: number | undefined },
  { bold, dim }: Terminal["outColors"],
): string {
  const blocks = tables.filter(({ rows }) => rows.length > 0).map((table) => new FittedBlock(blockOf(table, width)));
  const excess = (): number => blocks.reduce((sum, each) => sum + each.height, blocks.length - 1) - height;
  const isShort = (): boolean => blocks.reduce((sum, each) => sum + each.leastHeight, blocks.length - 1) <= height;
  while (blocks.length > 1 && !isShort()) blocks.pop();
  while (excess() > 0) {
    const longest = blocks.filter(({ shown }) => shown > 1).toSorted((a, b) => b.height - a.height)[0];
    if (longest === undefined) break;
    longest.shown--;
  }
  const textOf = ({ head, rows, shown }: FittedBlock): string => {
    const left = rows.length - shown;
    const more = left === 0 ? [] : [dim(`… ${left} more`)];
    return [...head.map((line) => bold(line)), ...rows.slice(0, shown).flat(), ...more].join("\n");
  };
  return blocks.map(textOf).join("\n\n");
}

/** A table as lines: those of its head, and those of each row. */
interface Block {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A table of which some rows are shown. */
class FittedBlock implements Block {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  shown: number;

  constructor({ head, rows }: Block) {
    this.head = head;
    this.rows = rows;
    this.shown = rows.length;
  }

  get height(): number {
    return this.#heightOf(this.shown);
  }

  get leastHeight(): number {
    return this.#heightOf(1);
  }

  #heightOf(shown: number): number {
    const lines = this.rows.slice(0, shown).reduce((sum, row) => sum + row.length, this.head.length);
    return lines + (shown < this.rows.length ? 1 : 0);
  }
}

function blockOf(table: Table, width: number | undefined): Block {
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
  return { head: linesOf(heads), rows: rows.map(linesOf) };
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
export function wrapped(text: string, width: number): string[] {
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
