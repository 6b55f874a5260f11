// TLS of the listener as users write it; what runs is plan.ts.
import type { Duration } from "../options.ts";
import type { Hidden } from "../secrets.ts";

/** A certificate that the listener shows, and its key. Files are read again when they change. */
export interface CertificateOptions {
  /** The certificate, and behind it those that lead to its authority: PEM text, or the path of a file beside the config. */
  cert: string | Hidden;
  /** Its private key, not encrypted: PEM text, path or secret. */
  key: string | Hidden;
  /** The host names (SNI) that get it, also `"*.example.com"`. Default: the DNS names that stand in it. */
  names?: readonly string[];
}

/** How the listener speaks TLS. */
export interface ListenTls {
  /** One certificate, or several; who names none of their hosts gets the first. Not needed beside `acme`. */
  certificates?: CertificateOptions | readonly CertificateOptions[];
  /** Certificates that the gateway gets and renews itself, from an authority that speaks ACME. For the executable. */
  acme?: AcmeOptions;
  /** The oldest version spoken. Default: `"1.2"`. */
  minVersion?: "1.2" | "1.3";
  /**
   * Whether clients show a certificate of theirs: `"require"` breaks the handshake with those that have none that
   * `clientCa` has signed, `"request"` serves them without. Default: `"off"`.
   */
  clientCert?: "off" | "request" | "require";
  /** The authorities of clients' certificates: PEM text or path. Needed by `clientCert`. */
  clientCa?: string | Hidden;
  /**
   * Which certificates these authorities have revoked (RFC 5280 section 5): PEM text or path, a list for every authority that
   * a client's certificate leads through. The file is read again when it changes. A list that is too old refuses all that
   * its authority has signed. Default: none.
   */
  clientCrl?: string | Hidden;
  /** `Strict-Transport-Security` of every answer over TLS that has none of its own (RFC 6797). Default: none. */
  hsts?: HstsOptions;
  /** A second port, in plain HTTP, that leads every request to https with 308. Default: none. */
  redirectHttp?: RedirectHttpOptions;
}

/** Certificates from an authority by ACME (RFC 8555). The authority asks on port 80: `redirectHttp` answers it. */
export interface AcmeOptions {
  /** The host names, each of which gets a certificate of its own. No wildcards. */
  domains: readonly string[];
  /** Says that whoever runs the gateway has agreed to the authority's terms of service. */
  agreeToTerms: true;
  /** The authority's directory. Default: Let's Encrypt, `"https://acme-v02.api.letsencrypt.org/directory"`. */
  directory?: string;
  /** Where the authority writes to when something is wrong with the certificates: `"ops@example.com"`. Default: nowhere. */
  email?: string | readonly string[];
  /** The account that the gateway's own is bound to, for authorities that ask for one. */
  externalAccount?: ExternalAccountOptions;
  /**
   * The folder of certificates and keys. Default: `acme` in `$STATE_DIRECTORY`, else in `$XDG_STATE_HOME/sluice`, else in
   * `~/.local/state/sluice`.
   */
  storage?: string;
  /** The authorities of the directory's own certificate, in place of the system's: PEM text or path. */
  ca?: string | Hidden;
  /** How the authority is shown whose hosts they are. Default, and all there is: `"http-01"`. */
  challenge?: "http-01";
}

/** External account binding (RFC 8555 section 7.3.4): the authority hands out both. */
export interface ExternalAccountOptions {
  /** The key's identifier at the authority. */
  kid: string;
  /** The key that the authority gave, base64url: `env("NAME")`. */
  hmacKey: Hidden;
}

/** For how long browsers come by https only. */
export interface HstsOptions {
  /** Up to ten years. Default: `"180d"`. */
  maxAge?: Duration;
  /** Also to every host below. Default: `false`. */
  includeSubDomains?: boolean;
}

/** The plain port that redirects to https. */
export interface RedirectHttpOptions {
  /** TCP port, on the same address: `80`. */
  port: number;
  /** The port of the https URL, where clients see another one than the listener has. Default: `listen.port`. */
  to?: number;
}

/** How the listener speaks HTTP/2. */
export interface ListenHttp2 {
  /** Requests of one connection at a time; more are refused, for the client to send again. Default: `128`. */
  maxStreams?: number;
  /** Without TLS too, to clients that begin with it (prior knowledge): for load balancers that speak it. Default: `false`. */
  h2c?: boolean;
}
