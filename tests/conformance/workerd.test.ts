// The list of what a gateway does, run by Cloudflare's runtime.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startChild } from "./child.ts";
import { conforms } from "./conformance.ts";

const ROOT = resolve(import.meta.dir, "../..");
const WORKERD = resolve(ROOT, "node_modules/.bin/workerd");

conforms("workerd", async (environment) => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-workerd-"));
  try {
    writeFileSync(join(folder, "worker.js"), await bundle());
    writeFileSync(join(folder, "config.capnp"), capnp(environment));
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
      async stop() {
        await started.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (failure) {
    rmSync(folder, { recursive: true, force: true });
    throw failure;
  }
});

/** The worker as one module. */
async function bundle(): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "worker.ts")],
    target: "browser",
    format: "esm",
    conditions: ["workerd"],
  });
  return built.outputs[0]!.text();
}

function capnp(environment: Readonly<Record<string, string>>): string {
  const bindings = Object.entries(environment).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      bindings = [${bindings.join(", ")}],
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}
