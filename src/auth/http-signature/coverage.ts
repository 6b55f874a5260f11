// What a signature must cover, so that nobody can change what matters.
import type { InnerList } from "structured-headers";

/** Whether the signature covers all of a component: by its name, or by its bytes or structure (`bs`, `sf`). */
export function isCovered(name: string, [components]: InnerList): boolean {
  return components.some(
    ([each, parameters]) => each === name && [...parameters.keys()].every((key) => key === "bs" || key === "sf"),
  );
}

/** Components that together say as much as another one. */
const INSTEAD: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "@target-uri": [
    ["@authority", "@path", "@query"],
    ["@authority", "@request-target"],
  ],
  "@path": [["@target-uri"], ["@request-target"]],
  "@query": [["@target-uri"], ["@request-target"]],
  "@authority": [["@target-uri"]],
};

/** The first of the wanted components that the signature does not cover; undefined when it covers them all. */
export function missingComponent(wanted: readonly string[], input: InnerList): string | undefined {
  return wanted.find((name) => {
    const ways = [[name], ...(INSTEAD[name] ?? [])];
    return !ways.some((way) => way.every((each) => isCovered(each, input)));
  });
}
