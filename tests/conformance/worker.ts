// The worker that the conformance tests deploy to workerd.
import { workers } from "../../src/platforms/workers.ts";
import config from "./gateway.config.ts";

export default workers(config);
