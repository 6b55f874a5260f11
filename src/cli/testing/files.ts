// The test files beside a config.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

const TEST_FILE = /\.test\.[cm]?[jt]s$/;

/** Whether a file is a test, by its name. */
export function isTestFile(file: string): boolean {
  return TEST_FILE.test(file);
}

/** Those in the folder of a config, in order; none where the folder cannot be listed. */
export function testFilesBeside(config: string): string[] {
  const folder = dirname(config);
  return namesIn(folder)
    .filter(isTestFile)
    .toSorted()
    .map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
