// npm run options: writes docs/options.md anew, every option of a config, from the doc comments of their types.
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { format } from "prettier";
import { readReference } from "../src/cli/reference/read-reference.ts";
import type { Reference, ReferenceObject, ReferenceOption } from "../src/cli/reference/reference.ts";

/** Where the page is. */
export const OPTIONS_PAGE = join(resolve(import.meta.dir, ".."), "docs/options.md");

const HEAD = `# Every option

<!-- written by \`npm run options\` from the types in src/config: change those -->

What \`gateway.config.ts\` may hold, with types, units and defaults: the same text that your editor shows, and that
\`sluice manpage gateway.config\` prints for the version that you have. What has no \`?\` behind its name must be set. \`NAME\`
stands for a name that you choose. [config.md](config.md) tells how a config is found and read, and \`sluice plan\` what
yours comes to, with every default.`;

/** The page as the sources are now. */
export function optionsPage({ objects, functions, values }: Reference = readReference()): Promise<string> {
  const parts = [HEAD, contents(objects)];
  for (const object of objects) parts.push(section(object));
  parts.push("## Functions", "They are imported from `sluice`.");
  for (const { name, parameters, text, options } of functions) {
    parts.push(`### \`${name}(${parameters})\``, text);
    if (options.length > 0) parts.push(list(options));
  }
  parts.push("## Values", values.map(({ name, text }) => item(`\`${name}\``, text)).join("\n"));
  return format(parts.join("\n\n"), { parser: "markdown", printWidth: 120 });
}

/** Links to what stands at the top of a config, and to what is told behind it. */
function contents(objects: readonly ReferenceObject[]): string {
  const top = new Set(objects.map(({ path }) => path).filter((path) => path !== "" && !/\..*\.|\(/.test(path)));
  return `${[...top].map(link).join(", ")}; [functions](#functions) such as \`jwt()\` and \`env()\`; [durations and sizes](#values).`;
}

function section({ path, texts, options, also }: ReferenceObject): string {
  const parts = [path === "" ? "## The config itself" : `## \`${path}\``];
  if (texts.length === 1) parts.push(texts[0]!);
  if (texts.length > 1) parts.push("One of these:", texts.map((text) => item("", text)).join("\n"), "Their options:");
  if (options.length > 0) parts.push(list(options));
  if (also.length > 0) parts.push(`And the options of ${also.map(link).join(", ")}.`);
  return parts.join("\n\n");
}

function list(options: readonly ReferenceOption[]): string {
  return options.map(option).join("\n");
}

function option({ name, required, type, text, see }: ReferenceOption): string {
  const more = see.length === 0 ? "" : `See ${see.map(link).join(", ")}.`;
  // A list in the text ends it.
  const gap = /^- /m.test(text) ? "\n\n" : " ";
  return item(
    `**\`${name}${required ? "" : "?"}\`** ${code(type)}`,
    [text, more].filter((each) => each !== "").join(gap),
  );
}

/** An item of a list; paragraphs and lists in its text stand below it. */
function item(term: string, text: string): string {
  const whole = term === "" ? text : text === "" ? term : `${term}: ${text}`;
  return `- ${whole.replaceAll(/\n(?=[^\n])/g, "\n  ")}`;
}

/** Types of texts hold backquotes themselves. */
function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function link(path: string): string {
  return path === "" ? "[the config itself](#the-config-itself)" : `[\`${path}\`](#${anchor(path)})`;
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

if (import.meta.main) writeFileSync(OPTIONS_PAGE, await optionsPage());
