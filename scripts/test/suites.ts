// What `npm test` runs: the checks, and a suite for each folder of tests.
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** A command that passes or fails as a whole and counts as one test. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

/** The checks, in their order. The build comes last: the suites that follow start what it made. */
export const CHECKS: readonly Check[] = [
  { name: "format", command: ["prettier", "--check", "--log-level=warn", "."] },
  { name: "lint", command: ["oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["tsc", "--noEmit", "-p", "."] },
  { name: "build", command: ["npm", "run", "--silent", "build"] },
];

/** Test files that run in one process of `bun test`. */
export interface Suite {
  /** Its folder under tests/. */
  readonly name: string;
  /** Paths from the root. */
  readonly files: readonly string[];
}

/** A suite for each folder of tests/ that holds a file named `*.test.ts`, however deep; one for each below executable/. */
export function findSuites(root: string): Suite[] {
  const suites = new Map<string, string[]>();
  for (const path of readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" }).toSorted()) {
    if (!path.endsWith(".test.ts")) continue;
    const folders = path.split("/").slice(0, -1);
    const name = folders.slice(0, folders[0] === "executable" ? 2 : 1).join("/") || "tests";
    const files = suites.get(name) ?? [];
    files.push(`tests/${path}`);
    suites.set(name, files);
  }
  return [...suites].map(([name, files]) => ({ name, files }));
}
