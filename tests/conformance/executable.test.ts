// The list of what a gateway does, run by the compiled file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startGateway } from "../support/executable.ts";
import { conforms } from "./conformance.ts";

const CONFIG = readFileSync(join(import.meta.dir, "gateway.config.ts"), "utf8");

conforms("executable", (env) => startGateway(CONFIG, { env }));
