// The list of what a gateway does, run by Cloudflare's runtime.
import { join } from "node:path";
import { conforms } from "./conformance.ts";
import { startWorkerd } from "./workerd.ts";

conforms("workerd", (environment) => startWorkerd(join(import.meta.dir, "worker.ts"), environment));
