// `npm start`: the demo services and a gateway in front of them, in one process that Ctrl-C ends.
import { join } from "node:path";
import { fromSource } from "../src/cli/from-source.ts";
import { main } from "../src/cli/main.ts";
import { reexecute } from "../src/cli/reexecute.ts";
import { startDemoServices } from "../examples/demo-services.ts";

// Before anything listens: it starts this very program anew.
reexecute(false, () => undefined);

try {
  startDemoServices();
} catch (error) {
  process.stderr.write(`The demo services need the ports 9001 to 9003 of 127.0.0.1: ${(error as Error).message}\n`);
  process.exit(71);
}
process.stderr.write(`Try, in another terminal:
  curl -i http://127.0.0.1:8080/api/orders/1     (twice: the targets take turns)
  curl -i http://127.0.0.1:8080/hello/Ada        (a handler of the config's own)
  curl -N http://127.0.0.1:8080/api/orders/events
Ctrl-C ends all of it.
`);
await main(["run", join(import.meta.dir, "../gateway.config.ts")], fromSource());
