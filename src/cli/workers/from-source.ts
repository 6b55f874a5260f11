// The worker thread's entry when the executable is run from source.
import { fromSource } from "../from-source.ts";
import { serveAsWorker } from "./worker.ts";

serveAsWorker(fromSource());
