// The executable run from source: `bun src/cli/main.ts`. Version and modules come from the folder.
import manifest from "../../package.json" with { type: "json" };
import type { Embedded } from "./embedded.ts";

/** What the build would have put inside, as far as the folder gives it. `init` cannot write types without the build. */
export function fromSource(): Embedded {
  // Imported now: once a config has been read, these names mean what is registered under them.
  const [sluice, hono, jose, valibot] = [import("../mod.ts"), import("hono"), import("jose"), import("valibot")];
  return {
    version: manifest.version,
    commit: "",
    date: "",
    compiled: false,
    modules: {
      sluice: () => sluice,
      hono: () => hono,
      jose: () => jose,
      valibot: () => valibot,
    },
    startThread: () => new Worker(new URL("./workers/from-source.ts", import.meta.url).href),
    startTestThread: () => new Worker(new URL("./testing/from-source.ts", import.meta.url).href),
    types: undefined,
    licenses: undefined,
    reference: async () => (await import("./reference/read-reference.ts")).readReference(),
    page: async () => (await import("./page-bundle.ts")).bundlePage(),
  };
}
