// The URL of a target: what to connect to and what to call it.
import type { TargetPlan } from "../config/upstream/plan.ts";
import { isHostName } from "../http/host-name.ts";
import { normalAddress } from "../http/ip.ts";

/** The parts of a target's URL. */
export type TargetAddress = Pick<TargetPlan, "url" | "secure" | "host" | "port" | "authority">;

/** What ought to stand where there is none. */
export const A_TARGET_URL = 'the URL of a target, such as "http://127.0.0.1:9001"';

/**
 * Reads the URL of a target, or says in a sentence what is wrong with it. Only `http` or `https`, host and port: what else
 * a URL can hold would be lost without a word. An IPv6 address stands in brackets in the URL and in the authority, without
 * them in `host` (RFC 3986 section 3.2.2; case GW-26).
 */
export function readTargetAddress(url: string): TargetAddress | string {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)(.*)$/s.exec(url);
  if (parts === null) return 'It begins with "http://" or "https://".';
  const scheme = parts[1]!.toLowerCase();
  const authority = parts[2]!;
  if (scheme === "ws" || scheme === "wss") {
    return `WebSocket passes through ${scheme === "ws" ? "http" : "https"} targets: write that scheme.`;
  }
  if (scheme !== "http" && scheme !== "https") return 'The scheme is "http" or "https".';
  if (authority.includes("@")) return "It holds user or password: set the Authorization field with `headers`.";
  if (parts[3] !== "" && parts[3] !== "/") {
    return "It holds a path, query or fragment: a route's `rewrite` changes paths.";
  }
  const secure = scheme === "https";
  const place = readAuthority(authority);
  if (typeof place === "string") return place;
  const port = place.port ?? ownPort(secure);
  const bracketed = bracket(place.host);
  return {
    url,
    secure,
    host: place.host,
    port,
    authority: port === ownPort(secure) ? bracketed : `${bracketed}:${port}`,
  };
}

/** The port of the scheme itself. */
function ownPort(secure: boolean): number {
  return secure ? 443 : 80;
}

/** A host as it stands in a URL. */
export function bracket(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** Host and port of an authority; a sentence when it is none. */
function readAuthority(authority: string): { host: string; port: number | undefined } | string {
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(authority);
  if (parts === null || (!authority.startsWith("[") && authority.split(":").length > 2)) {
    return "An IPv6 address stands in brackets, such as [::1].";
  }
  const [, written = "", portText] = parts;
  if (written === "") return "It has no host.";
  if (portText !== undefined && !isPort(portText)) return "The port is a whole number from 1 to 65535.";
  const port = portText === undefined ? undefined : Number(portText);
  if (written.startsWith("[")) {
    const address = normalAddress(written);
    if (address === undefined) return "What stands in the brackets is not an IPv6 address, or has a zone.";
    return { host: address, port };
  }
  const name = written.toLowerCase();
  if (isHostName(name)) return { host: name, port };
  if (/[^\0-\x7f]/.test(name)) return "The host is written in ASCII (Punycode).";
  if (name.endsWith(".")) return 'The host ends in ".": certificates have no such names.';
  return "The host is neither a name nor an IP address.";
}

/** Whether a text is the number of a port. */
export function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
