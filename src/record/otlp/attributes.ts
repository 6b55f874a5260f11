// Attributes as OTLP's JSON has them (opentelemetry-proto, KeyValue).

/** A value: a text, a whole number, or yes or no. */
export type AttributeValue =
  { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };

/** A key and its value. */
export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

/** A text of at most so many characters; what is longer is cut and ends with an ellipsis. */
export function textAttribute(key: string, text: string, most: number): Attribute {
  // Half a character is none in UTF-8: a collector may refuse all that came with it.
  return { key, value: { stringValue: (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed() } };
}

/** A whole number, as its digits. */
export function wholeAttribute(key: string, digits: string): Attribute {
  return { key, value: { intValue: digits } };
}

/** Yes or no. */
export function flagAttribute(key: string, yes: boolean): Attribute {
  return { key, value: { boolValue: yes } };
}

/** Milliseconds since the epoch as OTLP has moments: nanoseconds, in a text. */
export function nanoseconds(ms: number): string {
  return `${Math.max(0, Math.round(ms * 1000))}000`;
}
