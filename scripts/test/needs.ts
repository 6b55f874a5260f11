// The programs that tests need beside what npm installs: which package brings each, and which files need it.

/** A program that some tests start. */
export interface Need {
  /** Its name on the path. */
  readonly binary: string;
  /** The Debian package that brings it. */
  readonly debian: string;
  /** The test files that cannot run without it, as paths from the root; a folder stands for all in it. */
  readonly usedBy: readonly string[];
}

/** All needs. tests/rules/needs.test.ts finds a program that is used and not listed here. */
export const NEEDS: readonly Need[] = [];

/** Where Debian keeps servers; a user's path often leaves it out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The needs that this machine does not meet. */
export function missing(needs: readonly Need[] = NEEDS): Need[] {
  const path = [process.env["PATH"] ?? "", ...SYSTEM_FOLDERS].join(":");
  return needs.filter((need) => Bun.which(need.binary, { PATH: path }) === null);
}

/** The need among `needs` that keeps a test file from running. */
export function needOf(file: string, needs: readonly Need[]): Need | undefined {
  return needs.find((need) => need.usedBy.some((path) => file === path || file.startsWith(`${path}/`)));
}

// Run by itself it prints the packages that are missing here: .ci/run installs them.
if (import.meta.main) console.log([...new Set(missing().map((need) => need.debian))].join(" "));
