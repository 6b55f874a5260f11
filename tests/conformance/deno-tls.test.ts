// The list of what a gateway does, run by Deno from source, over TLS.
import { resolve } from "node:path";
import net from "node:net";
import tls from "node:tls";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";
import { startChild } from "./child.ts";
import { conforms, type Started } from "./conformance.ts";

const ROOT = resolve(import.meta.dir, "../..");
const DENO = resolve(ROOT, "node_modules/.bin/deno");

/** A plain port whose bytes go on over TLS, and ends and resets with them. */
async function throughTls(gateway: Started): Promise<Started> {
  const server = net.createServer({ allowHalfOpen: true }, (plain) => {
    const secure = tls.connect({
      ...{ host: "127.0.0.1", port: gateway.port, rejectUnauthorized: false },
      ...({ allowHalfOpen: true } as object),
    });
    plain.on("data", (bytes) => void (secure.write(bytes) || plain.pause()));
    secure.on("drain", () => plain.resume());
    secure.on("data", (bytes) => void (plain.write(bytes) || secure.pause()));
    plain.on("drain", () => secure.resume());
    plain.on("end", () => secure.end());
    secure.on("end", () => plain.end());
    for (const [one, other] of [
      [plain, secure],
      [secure, plain],
    ] as const) {
      one.on("error", () => other.resetAndDestroy());
      one.on("close", () => other.destroySoon());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    get lines() {
      return gateway.lines;
    },
    async stop() {
      server.close();
      await gateway.stop();
    },
  };
}

conforms(
  "deno",
  async (env) =>
    throughTls(
      await startChild({
        command: [DENO, "run", "-A", "src/cli/deno-main.ts", "tests/conformance/gateway-tls.config.ts"],
        folder: ROOT,
        env: { ...env, CERT: certificates().local.cert, CERT_KEY: certificates().local.key },
        port: (_, stderr) => Number(/listening.*?:(\d+)\b/.exec(stderr)?.[1] ?? 0) || undefined,
        ends: [0],
      }),
    ),
  { over: "TLS", lacks: missing("openssl") },
);
