// A part of a plan as text, so that two of them are the same text when they say the same.
import { Secret } from "../../config/secrets.ts";

/** Functions are their source, secrets their values: for comparison, never for output. Undefined and absent are the same. */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case "function":
      return `(${value.toString()})`;
    case "object":
      return value === null ? "null" : objectText(value);
    case "string":
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

function objectText(value: object): string {
  if (value instanceof Secret) return `secret ${JSON.stringify(value.reveal())}`;
  if (value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `bytes ${Bun.CryptoHasher.hash("sha256", bytes, "hex")}`;
  }
  if (value instanceof Map) return `map ${listText([...value])}`;
  if (Array.isArray(value) || value instanceof Set) return listText([...(value as Iterable<unknown>)]);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  const texts = members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`);
  return `{${texts.sort().join(",")}}`;
}

function listText(list: readonly unknown[]): string {
  return `[${list.map(canonical).join(",")}]`;
}
