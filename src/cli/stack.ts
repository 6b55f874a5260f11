// Stacks: the frame that the operator can do something about.
import type { Place } from "./exit.ts";

/** The topmost frame that lies in a file of the user's; by default in any that is not inside the executable or the runtime. */
export function userFrame(
  stack: string | undefined,
  isUsers = (file: string): boolean => !file.startsWith("/$bunfs/"),
): Place | undefined {
  for (const [, file, line, column] of (stack ?? "").matchAll(/^ +at (?:.*\()?(\/[^()\n]*):(\d+):(\d+)\)?$/gm)) {
    if (file === undefined || !isUsers(file)) continue;
    return { file, line: Number(line), column: Number(column) };
  }
  return undefined;
}
