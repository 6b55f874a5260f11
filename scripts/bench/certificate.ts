// The certificate that all contenders show where they speak TLS: P-256, made by openssl for one run.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Workshop } from "./workshop.ts";

/** Files of a certificate. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Certificate and key in one file, as HAProxy wants them. */
  readonly both: string;
}

/** Makes one for 127.0.0.1. */
export function certificateIn(workshop: Workshop): CertificateFiles {
  const [cert, key] = [workshop.path("tls.pem"), workshop.path("tls.key")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const words = ["req", "-x509", ...curve, "-subj", "/CN=127.0.0.1", "-days", "2", "-keyout", key, "-out", cert];
  const { status, stderr } = spawnSync("openssl", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  const both = workshop.write("tls-both.pem", readFileSync(cert, "utf8") + readFileSync(key, "utf8"));
  return { cert, key, both };
}
