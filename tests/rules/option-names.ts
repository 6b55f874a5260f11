// Options as the pages write them: by their whole path, such as "upstreams.NAME.timeouts.connect".
import { readReference } from "../../src/cli/reference/read-reference.ts";

const known = new Set<string>();
const { objects, functions } = readReference();
for (const { path, options } of objects) {
  if (path !== "") known.add(path);
  for (const { name } of options) known.add(path === "" ? name : `${path}.${name}`);
}
for (const { name, options } of functions) {
  known.add(`${name}()`);
  for (const option of options) known.add(`${name}().${option.name}`);
}

/** Whether a config has such an option. */
export function isOption(path: string): boolean {
  return known.has(path);
}

/** Whether an option's path ends so: "timeouts.connect" is one of upstreams, and of routes. */
export function endsAnOption(path: string): boolean {
  return isOption(path) || [...known].some((each) => each.endsWith(`.${path}`));
}

/** What a text has between backquotes. */
export function quotedIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, quoted]) => quoted!);
}
