// Cookies of a request, as servers read them (RFC 6265 section 5.4): pairs between semicolons, on one line or several.
import type { Fields } from "./fields.ts";

/** The values that a cookie has, empty ones left out. Cookies of one name may be set for several paths. */
export function cookieValues(fields: Fields, name: string): ReadonlySet<string> {
  if (!fields.has("cookie")) return NONE;
  const values = new Set<string>();
  for (const line of fields.all("cookie")) {
    for (const pair of line.split(";")) {
      const at = pair.indexOf("=");
      if (at >= 0 && pair.slice(0, at).trim() === name) values.add(pair.slice(at + 1).trim());
    }
  }
  values.delete("");
  return values;
}

const NONE: ReadonlySet<string> = new Set();
