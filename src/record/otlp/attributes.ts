// Attributes as OTLP's JSON has them (opentelemetry-proto, KeyValue).

/** A value: a text, a whole number (as a text), a fraction, yes or no, or texts. */
export type AttributeValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: readonly { readonly stringValue: string }[] } };

/** A key and its value. */
export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

/** Characters of a text that are kept. */
const MOST = 256;

/** A text; what is longer is cut and ends with an ellipsis. */
export function textAttribute(key: string, text: string, most = MOST): Attribute {
  return { key, value: stringValue(text, most) };
}

/** Texts. */
export function textsAttribute(key: string, texts: readonly string[]): Attribute {
  return { key, value: { arrayValue: { values: texts.map((text) => stringValue(text, MOST)) } } };
}

/** A whole number. */
export function wholeAttribute(key: string, number: number): Attribute {
  return { key, value: { intValue: String(number) } };
}

/** Any number. */
export function numberAttribute(key: string, number: number): Attribute {
  return { key, value: { doubleValue: number } };
}

/** Yes or no. */
export function flagAttribute(key: string, yes: boolean): Attribute {
  return { key, value: { boolValue: yes } };
}

function stringValue(text: string, most: number): { readonly stringValue: string } {
  // Half a character is none in UTF-8: a collector may refuse all that came with it.
  return { stringValue: (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed() };
}

/** Milliseconds since the epoch as OTLP has moments: nanoseconds, in a text. */
export function nanoseconds(ms: number): string {
  return `${Math.max(0, Math.round(ms * 1000))}000`;
}
