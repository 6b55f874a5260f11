// Builds dist/sluice: one executable file that needs nothing beside it. Run with `npm run build`.
import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { commit, compile, prepare } from "./compile.ts";

const dist = join(import.meta.dir, "../dist");
// Builds may run side by side, and an executable may be running: each works in a folder of its own and renames at the end.
const workshop = join(dist, `build-${process.pid}`);

try {
  await prepare(workshop, await commit());
  const outfile = join(workshop, "sluice");
  await compile(workshop, outfile);
  renameSync(outfile, join(dist, "sluice"));
  console.log(`dist/sluice ${manifest.version}: ${(statSync(join(dist, "sluice")).size / 1e6).toFixed(1)} MB`);
} finally {
  rmSync(workshop, { recursive: true, force: true });
}
