// Spans as OTLP's JSON has them (opentelemetry-proto, trace.proto), written as text.
import { inOnePiece } from "../line-parts.ts";
import { isPlain, jsonText } from "../json-text.ts";

/** The kind of a span of one who is asked. */
export const SERVER = 2;
/** Of one who asks. */
export const CLIENT = 3;

/** A bit of a span's flags beside those of `traceparent`: whether its parent is elsewhere is known. */
export const KNOWS_PARENT = 0x100;
/** It is. */
export const REMOTE_PARENT = 0x200;

/** A span that failed, as its last member. */
export const FAILED = ',"status":{"code":2}';

/** Most characters of a text, where nothing else is said; a longer one is cut and ends with an ellipsis. */
const MOST = 256;

/** Writes an attribute, with a comma before it. */
type Written<T> = (value: T, most?: number) => string;

/** A text. */
export function texts(key: string): Written<string> {
  const opening = `,{"key":"${key}","value":{"stringValue":"`;
  return (text, most = MOST) => `${opening}${inString(text, most)}"}}`;
}

/** A list of texts. */
export function lists(key: string): Written<readonly string[]> {
  const opening = `,{"key":"${key}","value":{"arrayValue":{"values":[`;
  return (list, most = MOST) => {
    const values = list.map((text) => `{"stringValue":"${inString(text, most)}"}`);
    return `${opening}${values.join(",")}]}}}`;
  };
}

/** A whole number. */
export function wholes(key: string): Written<number> {
  const opening = `,{"key":"${key}","value":{"intValue":"`;
  return (number) => `${opening}${number}"}}`;
}

/** Any number that is finite. */
export function numbers(key: string): Written<number> {
  const opening = `,{"key":"${key}","value":{"doubleValue":`;
  return (number) => `${opening}${number}}}`;
}

/** A list of attributes: what was written of them, one behind the other. */
export function attributeList(written: string): string {
  return `[${written.slice(1)}]`;
}

/** The inside of a JSON string. Half a character is none in UTF-8: a collector may refuse all that came with it. */
export function inString(text: string, most = MOST): string {
  if (text.length <= most && isPlain(text)) return text;
  if (text.length > most) return `${jsonText(text.slice(0, most).toWellFormed(), most)}\\u2026`;
  return jsonText(text.toWellFormed(), most);
}

/**
 * Writes moments as OTLP has them: nanoseconds since the epoch, in a text. Takes milliseconds. A number with so many
 * digits is slow to write; the second, which many share, is kept.
 */
export function moments(): (ms: number) => string {
  let lastSecond = -1;
  let opening = "";
  return (ms) => {
    const micros = Math.max(0, Math.round(ms * 1000));
    const second = Math.floor(micros / 1e6);
    if (second !== lastSecond) {
      lastSecond = second;
      opening = inOnePiece(`"${second}`);
    }
    return `${opening}${String(micros - second * 1e6 + 1e6).slice(1)}000"`;
  };
}
