// Writing into a folder of the user's: what the file system refuses becomes one message.
import { statSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { EXIT, Refusal, systemCode, usageError } from "./exit.ts";
import { shownPath } from "./terminal.ts";

/** Does `act`, which writes below `folder`. @throws Refusal 64 when that is a file, 71 and 77 as the system says */
export async function writingIn(folder: string, act: () => Promise<number>): Promise<number> {
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
      throw usageError(`${shownPath(folder)} is a file, not a folder.`);
    }
    return await act();
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof Refusal || code === "") throw error;
    const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
    throw new Refusal(denied ? EXIT.permission : EXIT.os, `Cannot write in ${shownPath(folder)}: ${messageOf(error)}`);
  }
}
