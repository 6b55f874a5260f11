// The files of the live page, bundled for browsers: by the build, and from source whenever they are asked for.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PageFiles } from "../admin/page-files.ts";

const FOLDER = join(import.meta.dir, "../admin/page");

/** Bundles them. @throws AggregateError of what does not compile */
export async function bundlePage(): Promise<PageFiles> {
  const text = (path: string): Promise<string> => readFile(path, "utf8");
  const bundle = Bun.build({
    entrypoints: [join(FOLDER, "page.ts")],
    target: "browser",
    format: "esm",
    minify: true,
  });
  const styles = [Bun.resolveSync("uplot/dist/uPlot.min.css", FOLDER), join(FOLDER, "page.css")];
  const [{ outputs }, html, icon, ...css] = await Promise.all([
    bundle,
    ...[join(FOLDER, "page.html"), join(FOLDER, "icon.svg"), ...styles].map(text),
  ]);
  return { html: html!, icon: icon!, css: css.join("\n"), script: await outputs[0]!.text() };
}
