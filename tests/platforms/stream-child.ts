// A process that sends a thousand lines over a stream and ends. Arguments: the port, and the authority for TLS, if any.
import process from "node:process";
import { StreamOutput } from "../../src/platforms/stream-output.ts";

const [, , port, ca = ""] = process.argv;
const tls = ca === "" ? undefined : { serverName: "localhost", ca, cert: undefined, key: undefined, verify: true };
const output = new StreamOutput(
  { name: "syslog", kind: "tcp", host: "127.0.0.1", port: Number(port), tls },
  (text) => void console.error(text),
);
let lost = 0;
for (let i = 0; i < 1000; i++) lost += await output.write(new TextEncoder().encode(`line ${i}\n`));
output.close();
console.log(`${lost} lost`);
