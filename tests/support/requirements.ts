// What the tests need beside the repository: each tool by name, with the line that installs it.

/** Tools a test may need. */
export type Tool = "openssl" | "nginx";

const INSTALL: Record<Tool, string> = {
  openssl: "apt-get install openssl",
  nginx: "apt-get install nginx-light",
};

/** Why a test cannot run: the tools that are not there and how to get them. Undefined when all are. */
export function missing(...tools: readonly Tool[]): string | undefined {
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const absent = tools.filter((tool) => Bun.which(tool, { PATH: path }) === null);
  if (absent.length === 0) return undefined;
  return absent.map((tool) => `${tool} is not installed (${INSTALL[tool]})`).join("; ");
}

/** Where the tool is. */
export function pathOfTool(tool: Tool): string {
  const found = Bun.which(tool, { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` });
  if (found === null) throw new Error(missing(tool));
  return found;
}
