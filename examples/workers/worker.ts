// What Cloudflare runs: the gateway of the config beside it.
import { workers } from "sluice/workers";
import config from "./gateway.config.ts";

export default workers(config);
