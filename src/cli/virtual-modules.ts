// Makes `sluice`, `hono` and the others importable from a config that has nothing installed beside it.

/** Loads, by specifier, what is inside the executable. */
export type VirtualModules = Readonly<Record<string, () => Promise<object>>>;

let registered = false;

/** Registers the modules with the runtime. What a config imports is the same object that the gateway itself uses. */
export function registerModules(modules: VirtualModules): void {
  if (registered) return;
  registered = true;
  Bun.plugin({
    name: "sluice",
    setup(build) {
      for (const [specifier, load] of Object.entries(modules)) {
        build.module(specifier, async () => ({ loader: "object", exports: { ...(await load()) } }));
      }
    },
  });
}
