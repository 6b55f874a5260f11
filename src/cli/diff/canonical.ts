// A part of a plan as text, so that two of them are the same text when they say the same.
import { Secret } from "../../config/secrets.ts";

/** Functions are their source, secrets their values: for comparison, never for output. Undefined and absent are the same. */
export function canonical(value: unknown): string {
  return textOf(value, undefined);
}

/**
 * Inside the schema of a library: what was told of it, by number. Schemas may hold themselves, and one thing in many places.
 * Undefined in what a config says itself, where a thing and its copy are the same.
 */
type Told = Map<object, number> | undefined;

function textOf(value: unknown, told: Told): string {
  switch (typeof value) {
    case "function":
      return `(${value.toString()})`;
    case "object":
      return value === null ? "null" : objectText(value, told);
    case "string":
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

function objectText(value: object, told: Told): string {
  if (value instanceof Secret) return `secret ${JSON.stringify(value.reveal())}`;
  if (value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `bytes ${Bun.CryptoHasher.hash("sha256", bytes, "hex")}`;
  }
  const inside = "~standard" in value ? (told ?? new Map<object, number>()) : told;
  const number = inside?.get(value);
  if (number !== undefined) return `#${number}`;
  inside?.set(value, inside.size);
  if (value instanceof Map) return `map ${listText([...value], inside)}`;
  if (Array.isArray(value) || value instanceof Set) return listText([...(value as Iterable<unknown>)], inside);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  const texts = members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${textOf(each, inside)}`);
  return `{${texts.join(",")}}`;
}

function listText(list: readonly unknown[], told: Told): string {
  return `[${list.map((each) => textOf(each, told)).join(",")}]`;
}
