// What is known of certificates: those that a listener shows, and those that its clients have shown.

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Its DNS names, lower case; "*.example.com" among them. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether this PEM is its private key; undefined when it is none that can be read. */
  owns(key: string): boolean | undefined;
}

/** A name that a certificate has beside its subject (RFC 5280 section 4.2.1.6): printable ASCII, as it stands there. */
export type AlternativeName = readonly [kind: "dns" | "uri" | "email" | "ip", name: string];

/** What a client's certificate says of itself. */
export interface ClientCertificateFacts {
  /** As `distinguishedName` writes it; "" for none. */
  readonly subject: string;
  readonly issuer: string;
  /** In its order. */
  readonly names: readonly AlternativeName[];
  /** Hexadecimal, lower case. */
  readonly serial: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Whether one of these certificates (PEM) has signed it itself. */
  issuedBy(authorities: string): boolean;
}

/**
 * What a client has shown in its handshake: a certificate (DER) that leads to one of the listener's authorities, held then,
 * and is for clients; or one that does not, and why, as the TLS library names it (`CERT_HAS_EXPIRED`). One object a
 * connection.
 */
export type ShownCertificate =
  { readonly der: Uint8Array; readonly problem?: undefined } | { readonly der?: undefined; readonly problem: string };
