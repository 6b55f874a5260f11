// Where in the config things stand, and whether they stand there at all.
import type { ConfigPath } from "../config/fault.ts";
import { locator } from "../config/locate.ts";
import type { Sources } from "./sources.ts";
import { shownPlace } from "./terminal.ts";

/** Finds places: "gateway.config.ts:12". */
export interface Places {
  /** Of the option, or of the nearest one around it that can be found. */
  near(path: ConfigPath): string;
  /** Of the first of these that is really written; undefined when none is, as far as can be seen. */
  written(...paths: readonly ConfigPath[]): string | undefined;
}

/** Places in the config's own file. What it imports is told by the nearest place that is known. */
export function placesIn({ file, texts, others }: Sources): Places {
  const find = locator(texts.get(file) ?? others.get(file) ?? "");
  return {
    near: (path) => shownPlace({ file, line: find(path)?.line }),
    written(...paths) {
      for (const path of paths) {
        const found = find(path);
        if (found?.depth === path.length) return shownPlace({ file, line: found.line });
      }
      return undefined;
    },
  };
}
