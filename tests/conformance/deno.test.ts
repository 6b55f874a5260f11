// The list of what a gateway does, run by Deno from source.
import { resolve } from "node:path";
import { startChild } from "./child.ts";
import { conforms } from "./conformance.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DENO = resolve(ROOT, "node_modules/.bin/deno");

conforms("deno", (env) =>
  startChild({
    command: [DENO, "run", "-A", "src/cli/deno-main.ts", "tests/conformance/gateway.config.ts"],
    folder: ROOT,
    env,
    port: (_, stderr) => Number(/listening.*?:(\d+)\b/.exec(stderr)?.[1] ?? 0) || undefined,
    ends: [0],
  }),
);
