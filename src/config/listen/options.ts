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

/** TLS of the listener. */
export interface ListenTls {
  /** One certificate, or several; who names none of their hosts gets the first. */
  certificates: CertificateOptions | readonly CertificateOptions[];
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

/** For how long browsers come by https only. */
export interface HstsOptions {
  /** Up to ten years. Default: `"180d"`. */
  maxAge?: Duration;
  /** Also to every host below. Default: `false`. */
  includeSubDomains?: boolean;
}

/** The port that leads to https. */
export interface RedirectHttpOptions {
  /** TCP port, on the same address: `80`. */
  port: number;
  /** The port of the https URL, where clients see another one than the listener has. Default: `listen.port`. */
  to?: number;
}

/** HTTP/2 of the listener. */
export interface ListenHttp2 {
  /** Requests of one connection at a time; more are refused, for the client to send again. Default: `128`. */
  maxStreams?: number;
  /** Without TLS too, to clients that begin with it (prior knowledge): for load balancers that speak it. Default: `false`. */
  h2c?: boolean;
}
