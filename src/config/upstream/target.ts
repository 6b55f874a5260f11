// The schema of an upstream's targets: URLs come out as what to connect to and what to call it.
import { normalAddress } from "../../http/ip.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { isHostName } from "../host-name.ts";
import type { TargetPlan } from "./plan.ts";
import { either, isPlainObject, options, or, then, type Shape } from "../shape.ts";
import { hiddenText, whole } from "../values.ts";

const A_URL = 'the URL of a target, such as "http://127.0.0.1:9001"';

/** One target: a URL, or a URL and a weight. */
export function targetShape(reader: ConfigReader): Shape<TargetPlan> {
  const url = hiddenText(A_URL, reader, ({ text }) => readTargetUrl(text));
  const alone = then(url, (address) => ({ ...address, weight: 1 }));
  const weighted = then(options({ url, weight: or(whole(0, 1_000_000), 1) }), ({ url, weight }) => ({
    ...url,
    weight,
  }));
  return either(isPlainObject, weighted, alone);
}

/**
 * Reads the URL of a target. Only `http` or `https`, host and port: what else a URL can hold would be lost without a word.
 * An IPv6 address stands in brackets in the URL and in the authority, without them in `host` (RFC 3986 section 3.2.2;
 * case GW-26).
 */
export function readTargetUrl(url: string): Omit<TargetPlan, "weight"> | Problem {
  const refused = (hint: string): Problem => new Problem(A_URL, { hint });
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)(.*)$/s.exec(url);
  if (parts === null) return refused('It begins with "http://" or "https://".');
  const scheme = parts[1]!.toLowerCase();
  const authority = parts[2]!;
  if (scheme === "ws" || scheme === "wss") {
    return refused(`WebSocket passes through ${scheme === "ws" ? "http" : "https"} targets: write that scheme.`);
  }
  if (scheme !== "http" && scheme !== "https") return refused('The scheme is "http" or "https".');
  if (authority.includes("@")) return refused("It holds user or password: set the Authorization field with `headers`.");
  if (parts[3] !== "" && parts[3] !== "/") {
    return refused("It holds a path, query or fragment: a route's `rewrite` changes paths.");
  }
  const secure = scheme === "https";
  const place = readAuthority(authority);
  if (typeof place === "string") return refused(place);
  const port = place.port ?? (secure ? 443 : 80);
  const bracketed = place.host.includes(":") ? `[${place.host}]` : place.host;
  const ownPort = port === (secure ? 443 : 80);
  return { url, secure, host: place.host, port, authority: ownPort ? bracketed : `${bracketed}:${port}` };
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

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
