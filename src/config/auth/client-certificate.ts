// Client certificates as identities: the options of the scheme, and their schema.
import { SUBJECT_KINDS, type SubjectKind } from "../../auth/client-certificate/subject.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import type { ListenPlan } from "../plan.ts";
import type { Hidden } from "../secrets.ts";
import { maybe, options, or, then, type Shape } from "../shape.ts";
import { certificateText } from "../tls.ts";
import { choice } from "../values.ts";
import { type SchemeCommon, SchemeOptions } from "./options.ts";
import type { IdentityPlan, SchemeCommonPlan, SchemePlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** What a verified client certificate says. Names are as they stand in it. */
export interface ClientCertificateClaims {
  /** Its distinguished name (RFC 4514), the most specific part first; "" for none. */
  readonly subject: string;
  /** The name of the authority that signed it. */
  readonly issuer: string;
  /** Its number at the authority, hexadecimal. */
  readonly serial: string;
  /** The common names in its subject. */
  readonly cn: readonly string[];
  /** Its names of subjectAltName, by kind. */
  readonly san: {
    readonly dns: readonly string[];
    readonly uri: readonly string[];
    readonly email: readonly string[];
    readonly ip: readonly string[];
  };
  /** SHA-256 of it, hexadecimal. */
  readonly fingerprint: string;
  /** The same as tokens have it (RFC 8705 section 3.1), base64url. */
  readonly "x5t#S256": string;
  /** From when to when it holds: "2027-01-31T12:00:00.000Z". */
  readonly notBefore: string;
  readonly notAfter: string;
}

/** Which certificates are accepted, and by which of their names callers are known. */
export interface ClientCertificateOptions extends SchemeCommon {
  /**
   * What of a certificate is the caller's name, which `subjects` of consumers are compared with: the whole subject
   * (`"dn"`, RFC 4514), its common name (`"cn"`), a name of subjectAltName (`"dns"`, `"uri"` for SPIFFE, `"email"`), or
   * SHA-256 of the certificate (`"fingerprint"`). A certificate without it is refused. Default: `"dn"`.
   */
  subject?: SubjectKind;
  /**
   * Only certificates that one of these has signed itself, of all that `listen.tls.clientCa` takes: PEM text, path or
   * `env()`. Authorities between stand here too. Default: all.
   */
  ca?: string | Hidden;
}

/** Client certificates as they are judged. */
export interface ClientCertificatePlan extends SchemeCommonPlan {
  readonly kind: "client-certificate";
  readonly subject: SubjectKind;
  /** PEM; undefined: whatever the listener takes. */
  readonly ca: string | undefined;
}

/**
 * Callers are known by the certificate they show in the TLS handshake, which `listen.tls.clientCert` asks for. Consumers
 * name theirs: `consumers: { acme: { subjects: { mtls: ["CN=acme,O=Acme"] } } }`.
 */
export function clientCertificate(options: ClientCertificateOptions = {}): SchemeOptions<ClientCertificateClaims> {
  return new SchemeOptions("client-certificate", options);
}

/** Checks the options of `clientCertificate()`. The result makes a plan for the scheme's name. */
export function clientCertificateShape(
  gateway: string,
  reader: ConfigReader,
): Shape<(name: string) => ClientCertificatePlan> {
  const shape = options({
    ...commonEntries(gateway),
    subject: or(choice(...SUBJECT_KINDS), "dn"),
    ca: maybe(certificateText(reader)),
  });
  return then(shape, ({ subject, ca, ...common }) => (name) => ({
    ...commonPlan(name, common),
    kind: "client-certificate",
    subject,
    ca: ca?.text,
  }));
}

/** Parts of the config that would wait for certificates for ever, because nobody asks clients for any. */
export function* certificatesUnasked(
  { auth = [], identity, listen }: UnaskedParts,
  reader: ConfigReader,
): Iterable<Problem> {
  // Cloudflare ends TLS itself.
  if (listen === undefined || listen.tls?.clients !== undefined || reader.background === false) return;
  const wanted = "listen.tls.clientCert beside this";
  const hint = 'Clients show a certificate when the listener asks for one: clientCert is "request" or "require".';
  for (const { kind, name } of auth) {
    if (kind === "client-certificate") yield new Problem(wanted, { at: ["auth", name], found: false, hint });
  }
  if (identity?.clientCert === true) yield new Problem(wanted, { at: ["identity", "clientCert"], hint });
}

/** Parts of the config that came out right. */
interface UnaskedParts {
  readonly auth?: readonly SchemePlan[] | undefined;
  readonly identity?: Pick<IdentityPlan, "clientCert"> | undefined;
  readonly listen?: ListenPlan | undefined;
}
