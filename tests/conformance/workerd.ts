// Starts a worker in workerd, bundled from its entry, on a port that the system chooses.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startChild } from "./child.ts";
import type { Started } from "./conformance.ts";

const WORKERD = resolve(import.meta.dir, "../../node_modules/.bin/workerd");

/**
 * Bundles the entry and serves it with these text bindings.
 * @param objects names of bindings of Durable Objects, and their classes
 */
export async function startWorkerd(
  entry: string,
  bindings: Readonly<Record<string, string>>,
  objects: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-workerd-"));
  const tidy = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(join(folder, "worker.js"), await bundle(entry));
    writeFileSync(join(folder, "config.capnp"), capnp(bindings, objects));
    const started = await startChild({
      command: [WORKERD, "serve", "config.capnp", "--control-fd=1"],
      folder,
      env: {},
      port: (stdout) => Number(/"event":"listen".*?"port":(\d+)/.exec(stdout)?.[1] ?? 0) || undefined,
      // workerd drains on SIGTERM and then ends by that signal.
      ends: [0, "SIGTERM"],
    });
    return {
      port: started.port,
      get lines() {
        return started.lines;
      },
      stop: () => started.stop().finally(tidy),
    };
  } catch (failure) {
    tidy();
    throw failure;
  }
}

/** The worker as one module. */
async function bundle(entry: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [entry], target: "browser", format: "esm", conditions: ["workerd"] });
  return built.outputs[0]!.text();
}

function capnp(bindings: Readonly<Record<string, string>>, objects: Readonly<Record<string, string>>): string {
  const classes = Object.values(objects).map(
    (each) => `(className = "${each}", uniqueKey = "${each}", enableSql = true)`,
  );
  const spaces = Object.entries(objects).map(
    ([name, each]) => `(name = "${name}", durableObjectNamespace = "${each}")`,
  );
  const texts = Object.entries(bindings).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      compatibilityFlags = ["enable_request_signal"],
      bindings = [${[...texts, ...spaces].join(", ")}],
      durableObjectNamespaces = [${classes.join(", ")}],
      durableObjectStorage = (inMemory = void),
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}
