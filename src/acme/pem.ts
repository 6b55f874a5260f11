// PEM: DER in base64, between lines that say what it is (RFC 7468).

/** A block, its lines 64 characters long. */
export function toPem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The bytes of the first block of this label; undefined where there is none that can be read. */
export function fromPem(label: string, text: string): Uint8Array<ArrayBuffer> | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text);
  if (block === null) return undefined;
  try {
    return Uint8Array.fromBase64(block[1]!);
  } catch {
    return undefined;
  }
}
