// Positions in source text, found by pattern: for errors to which the runtime gives no position.

/** A position. Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the pattern first matches, past leading blanks; undefined when it does not. */
export function placeOf(source: string, pattern: RegExp): Position | undefined {
  const match = pattern.exec(source);
  if (match === null) return undefined;
  const blanks = /^\s*/.exec(match[0])?.[0].length ?? 0;
  return positionAt(source, match.index + blanks);
}

/** Line and column of an offset. */
function positionAt(source: string, offset: number): Position {
  const before = source.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/** Where a module specifier stands in quotes after `from`, `import` or `require(`. */
export function placeOfSpecifier(source: string, specifier: string): Position | undefined {
  const match = new RegExp(`((?:\\bfrom|\\bimport|\\brequire)\\s*\\(?\\s*)(["'\`])${escaped(specifier)}\\2`).exec(
    source,
  );
  return match === null ? undefined : positionAt(source, match.index + (match[1]?.length ?? 0));
}

/** Where `name` stands in the braces of an import or re-export from `specifier`; the statement when it is not there. */
export function placeOfImport(source: string, name: string, specifier: string): Position | undefined {
  const statement = new RegExp(`\\b(?:import|export)\\b([^;"'\`]*?)\\bfrom\\s*(["'\`])${escaped(specifier)}\\2`, "g");
  for (const match of source.matchAll(statement)) {
    const word = new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`).exec(match[1] ?? "");
    if (word === null) continue;
    return positionAt(source, match.index + match[0].indexOf(match[1] ?? "") + word.index);
  }
  return placeOfSpecifier(source, specifier);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
