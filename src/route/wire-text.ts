// Text of the config as it looks on the wire, where one character is one byte.

const utf8 = new TextEncoder();

/** The UTF-8 bytes of a text as latin1 text. ASCII comes back as it is. */
export function wireText(text: string): string {
  let wire = "";
  for (const byte of utf8.encode(text)) wire += String.fromCharCode(byte);
  return wire;
}
