// Lines to standard output on Deno. Its writes are promises, so a reader that stands still holds nothing up.
import { AwaitedLines } from "./awaited-lines.ts";
import type { DenoOutput } from "./deno-api.ts";

/**
 * Lines to an output of Deno's; no permission is needed.
 * @param notice tells the operator that lines are lost
 */
export function linesOnDeno(output: DenoOutput, notice: (text: string) => void): AwaitedLines {
  const write = async (lines: Uint8Array): Promise<number> => {
    for (let at = 0; at < lines.length;) at += await output.write(lines.subarray(at));
    return 0;
  };
  return new AwaitedLines({ write }, "standard output", notice);
}
