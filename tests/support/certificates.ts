// Certificates for the tests, made by openssl and kept for a week: an authority, another one, and what they signed.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
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

const CACHE = resolve(import.meta.dir, "../../node_modules/.cache/sluice-tests");
const KEPT_MS = 7 * 24 * 3600 * 1000;
const NAMES = ["ca", "otherCa", "named", "expired", "strange", "local", "client"] as const;

let loaded: Certificates | undefined;

/** The certificates. They are made when there are none, or when those there are have grown old. */
export function certificates(): Certificates {
  loaded ??= load();
  return loaded;
}

/** A folder of this name, which lasts for a week. @param make fills it when there is none, or when it has grown old */
export function madeOnce(name: string, make: (folder: string) => void): string {
  const folder = join(CACHE, name);
  const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age > KEPT_MS) {
    mkdirSync(CACHE, { recursive: true });
    const fresh = mkdtempSync(join(CACHE, "making-"));
    make(fresh);
    rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(fresh, folder);
    } catch {
      // Another run was quicker: its certificates are as good.
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return folder;
}

/** The certificate of this name in a folder. */
export function certificateIn(folder: string, name: string): Certificate {
  const certFile = join(folder, `${name}.pem`);
  const keyFile = join(folder, `${name}.key`);
  return { certFile, keyFile, cert: readFileSync(certFile, "utf8"), key: readFileSync(keyFile, "utf8") };
}

function load(): Certificates {
  const folder = madeOnce("certificates", make);
  return Object.fromEntries(NAMES.map((name) => [name, certificateIn(folder, name)])) as unknown as Certificates;
}

/** Runs openssl in a folder. */
export function opensslIn(folder: string): (...words: string[]) => void {
  return (...words) => {
    const done = Bun.spawnSync([pathOfTool("openssl"), ...words], { cwd: folder, stdout: "ignore", stderr: "pipe" });
    if (!done.success) throw new Error(`openssl ${words.join(" ")}: ${done.stderr.toString()}`);
  };
}

/** Words of openssl for a new key. */
export const NEW_KEY: readonly string[] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function make(folder: string): void {
  const openssl = opensslIn(folder);
  const key = NEW_KEY;
  const authority = (name: string): void => {
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
  };
  const signed = (name: string, alternative: string, by: string, days: string, usage: string): void => {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(
      join(folder, `${name}.ext`),
      `subjectAltName=${alternative}\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=${usage}\n`,
    );
    const serial = ["-set_serial", String(Math.floor(Math.random() * 1e9) + 1)];
    const signer = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.pem`, "-days", days, ...serial);
  };
  authority("ca");
  authority("otherCa");
  signed("named", "DNS:up.internal.test", "ca", "30", "serverAuth");
  signed("expired", "DNS:up.internal.test", "ca", "-1", "serverAuth");
  signed("strange", "DNS:up.internal.test", "otherCa", "30", "serverAuth");
  signed("local", "DNS:localhost,IP:127.0.0.1", "ca", "30", "serverAuth");
  signed("client", "DNS:gateway.internal.test", "ca", "30", "clientAuth");
}
