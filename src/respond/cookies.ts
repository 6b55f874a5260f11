// Cookies that the authenticating service sets, on the answer to the client.
import type { Fields } from "../http/fields.ts";

/** Adds these Set-Cookie lines. Lines for cookies of the same names, which the upstream set, make way for them. */
export function addCookies(cookies: readonly string[], fields: Fields): void {
  const names = cookies.map(nameOf);
  const kept = fields.all("set-cookie").filter((line) => !names.includes(nameOf(line)));
  fields.delete("set-cookie");
  for (const line of [...kept, ...cookies]) fields.add("Set-Cookie", line);
}

function nameOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf("="))).trim();
}
