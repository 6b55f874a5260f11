// What Cloudflare runs: the gateway of the config beside it, and the objects that count for it.
import { workers } from "sluice/workers";
import config from "./gateway.config.ts";

export { LimitStore } from "sluice/workers";

export default workers(config);
