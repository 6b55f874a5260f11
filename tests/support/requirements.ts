// What the tests need beside the repository: each tool by name, with the line that installs it.
import { findTool, NEEDS, type Tool } from "../../scripts/test/needs.ts";

export type { Tool };

/** Why a test cannot run: the tools that are not there and how to get them. Undefined when all are. */
export function missing(...tools: readonly Tool[]): string | undefined {
  const absent = tools.filter((tool) => findTool(tool) === undefined);
  if (absent.length === 0) return undefined;
  return absent.map((tool) => `${tool} is not installed (apt-get install -y ${NEEDS[tool].debian})`).join("; ");
}

/** Where the tool is. */
export function pathOfTool(tool: Tool): string {
  const found = findTool(tool);
  if (found === undefined) throw new Error(missing(tool));
  return found;
}
