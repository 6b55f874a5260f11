// The examples that pages show, as tests run them: on a port of this machine alone.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const FOLDER = resolve(import.meta.dir, "../../../examples");

/** The text of an example that listens on a port of 127.0.0.1 that the system chooses. @throws when it names no port */
export function exampleText(path: string): string {
  const text = readFileSync(resolve(FOLDER, path), "utf8");
  if (!text.includes("port: 8080")) throw new Error(`${path} does not listen on 8080`);
  return text.replace("port: 8080", "port: 0").replace("listen: {", 'listen: { host: "127.0.0.1",');
}
