// Where in a config something stands, as people are told.
import type { ConfigPath } from "../config/fault.ts";
import { locator } from "../config/locate.ts";
import type { PlaceOf } from "./explain/policies.ts";
import type { Sources } from "./sources.ts";
import { shownPlace } from "./terminal.ts";

/** Places in the config's own file. What it imports is told by the nearest place that is known. */
export function placesIn({ file, texts, others }: Sources): PlaceOf {
  const find = locator(texts.get(file) ?? others.get(file) ?? "");
  return (path: ConfigPath) => shownPlace({ file, line: find(path)?.line });
}
