// Certificates for the tests, made by openssl once a test run: an authority, another one, and what they signed.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathOfTool } from "./requirements.ts";

/** A certificate and its key: PEM texts, and the files that hold them. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** All the tests need. */
export interface Certificates {
  /** The authority that signed all but `strange`. */
  readonly ca: Certificate;
  /** An authority nobody was told of. */
  readonly otherCa: Certificate;
  /** For `up.internal.test` alone. */
  readonly named: Certificate;
  /** For `up.internal.test`, expired yesterday. */
  readonly expired: Certificate;
  /** For `up.internal.test`, signed by the other authority. */
  readonly strange: Certificate;
  /** For the address 127.0.0.1 and the name `localhost`. */
  readonly local: Certificate;
  /** For a client. */
  readonly client: Certificate;
}

let made: Certificates | undefined;

/** Makes them at the first call; the files vanish when the process ends. */
export function certificates(): Certificates {
  made ??= make();
  return made;
}

function make(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "sluice-certificates-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...words: string[]): void => {
    const done = Bun.spawnSync([pathOfTool("openssl"), ...words], { cwd: folder, stdout: "ignore", stderr: "pipe" });
    if (!done.success) throw new Error(`openssl ${words.join(" ")}: ${done.stderr.toString()}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const load = (name: string): Certificate => {
    const certFile = join(folder, `${name}.pem`);
    const keyFile = join(folder, `${name}.key`);
    return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
  };
  const authority = (name: string): Certificate => {
    const extensions = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    const subject = ["-subj", `/CN=Sluice tests: ${name}`];
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-days",
      "30",
      ...subject,
      ...extensions,
    );
    return load(name);
  };
  const signed = (name: string, alternative: string, by: string, days: string, usage: string): Certificate => {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(
      join(folder, `${name}.ext`),
      `subjectAltName=${alternative}\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=${usage}\n`,
    );
    const serial = ["-set_serial", String(Math.floor(Math.random() * 1e9) + 1)];
    const signer = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.pem`, "-days", days, ...serial);
    return load(name);
  };
  return {
    ca: authority("ca"),
    otherCa: authority("other-ca"),
    named: signed("named", "DNS:up.internal.test", "ca", "30", "serverAuth"),
    expired: signed("expired", "DNS:up.internal.test", "ca", "-1", "serverAuth"),
    strange: signed("strange", "DNS:up.internal.test", "other-ca", "30", "serverAuth"),
    local: signed("local", "DNS:localhost,IP:127.0.0.1", "ca", "30", "serverAuth"),
    client: signed("client", "DNS:gateway.internal.test", "ca", "30", "clientAuth"),
  };
}
