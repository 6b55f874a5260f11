// Makes `sluice`, `hono` and the others importable from a config that has nothing installed beside it.
import { moduleOf, type Sources } from "./sources.ts";

/** Loads, by specifier, what is inside the executable. */
export type VirtualModules = Readonly<Record<string, () => Promise<object>>>;

/**
 * Registers the modules with the runtime, and the texts of a config: until others are registered, its files are loaded as
 * they were read. What a config imports from inside is the same object that the gateway itself uses.
 */
export function registerModules(modules: VirtualModules, { texts }: Sources): void {
  Bun.plugin.clearAll();
  Bun.plugin({
    name: "sluice",
    setup(build) {
      for (const [specifier, load] of Object.entries(modules)) {
        build.module(specifier, async () => ({ loader: "object", exports: { ...(await load()) } }));
      }
      const filter = new RegExp(`^(?:${[...texts.keys()].map((path) => RegExp.escape(path)).join("|")})$`);
      if (texts.size > 0) build.onLoad({ filter }, ({ path }) => moduleOf(path, texts.get(path)!));
    },
  });
}
