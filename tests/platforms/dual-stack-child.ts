// Connects to the name and port of its arguments on the runtime it runs in, and prints the address that it came to.
import { argv, exit } from "node:process";
import type { Platform } from "../../src/platform.ts";

const platform: Platform =
  "Deno" in globalThis
    ? (await import("../../src/platforms/deno.ts")).denoPlatform()
    : (await import("../../src/platforms/bun.ts")).bunPlatform();
const options = { host: argv[2]!, port: Number(argv[3]), tls: undefined };
platform.connect!(options, {
  connected(socket) {
    console.log(socket.remoteAddress);
    exit(0);
  },
  failed(error) {
    console.log(error.code);
    exit(0);
  },
});
