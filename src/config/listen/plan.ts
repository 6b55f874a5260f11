// TLS of the listener as it runs.
import type { CertificateFacts } from "../../http/certificates.ts";
import type { ClientAuthorities } from "../../platform.ts";
import type { Secret } from "../secrets.ts";

/** A certificate that the listener shows. */
export interface CertificatePlan {
  /** The certificate and those that lead to its authority, in PEM. */
  readonly cert: string;
  readonly key: Secret;
  /** Absolute paths, where cert and key are files. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** As the config says them, lower case; undefined: those that stand in the certificate. */
  readonly names: readonly string[] | undefined;
  /** What stood in it when the plan was made; undefined where nobody can read it. */
  readonly facts: Pick<CertificateFacts, "names" | "notBefore" | "notAfter"> | undefined;
}

/** Whose certificates clients may show. */
export interface ClientsPlan extends ClientAuthorities {
  /** Absolute path of the lists of what is revoked, where that is a file. */
  readonly crlFile: string | undefined;
}

/** Certificates that an authority issues while the gateway runs. */
export interface AcmePlan {
  /** At least one: lower case, no address, no wildcard. */
  readonly domains: readonly string[];
  /** The directory's URL: https, or http to this machine. */
  readonly directory: string;
  /** URLs: `mailto:ops@example.com`. */
  readonly contact: readonly string[];
  readonly externalAccount: { readonly kid: string; readonly hmacKey: Secret } | undefined;
  /** Absolute path of the folder of certificates, keys and account. */
  readonly storage: string;
  /** PEM text; undefined: the system's authorities. */
  readonly ca: string | undefined;
}

/** How the listener speaks TLS, checked and with every default. */
export interface ListenTlsPlan {
  /** At least one, where there is no `acme`. */
  readonly certificates: readonly CertificatePlan[];
  readonly acme: AcmePlan | undefined;
  readonly minVersion: "1.2" | "1.3";
  /** Undefined: clients are not asked for certificates. */
  readonly clients: ClientsPlan | undefined;
  /** The value of Strict-Transport-Security. */
  readonly hsts: string | undefined;
  readonly redirect: { readonly port: number; readonly to: number | undefined } | undefined;
}
