// The list of what a gateway does, run by the compiled file, asked by HTTP/2.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startGateway } from "../support/executable.ts";
import { throughHttp2 } from "../support/http2-bridge.ts";
import { conforms } from "./conformance.ts";

const read = (name: string): string => readFileSync(join(import.meta.dir, name), "utf8");

conforms(
  "executable",
  async (env) => {
    const files = { "plain.config.ts": read("gateway.config.ts") };
    const text = read("gateway-h2c.config.ts").replace("./gateway.config.ts", "./plain.config.ts");
    const gateway = await startGateway(text, { env, files });
    const bridge = await throughHttp2(gateway.port);
    return {
      port: bridge.port,
      get lines() {
        return gateway.lines;
      },
      async stop() {
        bridge.stop();
        await gateway.stop();
      },
    };
  },
  { over: "HTTP/2" },
);
