// What a config may ask of this machine: environment variables and files, relative to the config's folder.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ConfigReader } from "../config/fault.ts";
import { certificate, isRevocations } from "../platforms/certificate.ts";

/** The reader for the config `file`, which is absolute. */
export function readerFor(file: string): ConfigReader {
  return {
    env: (name) => process.env[name],
    certificate,
    isRevocations,
    locate: (path) => resolve(dirname(file), path),
    file: (path) => {
      try {
        return readFileSync(resolve(dirname(file), path), "utf8");
      } catch {
        return undefined;
      }
    },
  };
}
