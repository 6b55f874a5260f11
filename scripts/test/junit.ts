// Counts the tests of a JUnit report as `bun test --reporter=junit` writes it.

/** How many tests ended which way. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The counts of a report, and the files it speaks of. A file that could not be loaded is not among them. */
export function readReport(xml: string): { readonly counts: Counts; readonly files: ReadonlySet<string> } {
  const head = /<testsuites ([^>]*)>/.exec(xml)?.[1] ?? "";
  const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures");
  const skipped = number("skipped");
  const files = new Set<string>();
  for (const [, file] of xml.matchAll(/<testsuite [^>]*?\bfile="([^"]*)"/g)) files.add(file!);
  return { counts: { passed: number("tests") - failed - skipped, failed, skipped }, files };
}
