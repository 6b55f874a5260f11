// IP addresses: one spelling for each, and sets of ranges that answer fast.
import ipaddr from "ipaddr.js";

/** Most verdicts a set remembers. */
const VERDICTS_KEPT = 1024;
/** The longest text an address with brackets and port can have: 8 groups, or 6 and a dotted quad. */
const LONGEST = 53;

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
const IPV4_PORT = /^([\d.]+):\d{1,5}$/;
const BRACKETS = /^\[([^\]]+)\](?::\d{1,5})?$/;

/**
 * The address in its one spelling: dotted decimal for IPv4 and IPv4-mapped IPv6, RFC 5952 for IPv6. A port and the
 * brackets of IPv6 are taken off. Undefined for all else: names, `unknown`, obfuscated identifiers (RFC 7239
 * section 6.3), zone ids, octal, short or hexadecimal IPv4.
 */
export function normalAddress(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  if (IPV4.test(text)) return text;
  const withPort = IPV4_PORT.exec(text);
  if (withPort !== null) return IPV4.test(withPort[1]!) ? withPort[1] : undefined;
  const bare = BRACKETS.exec(text)?.[1] ?? text;
  // Without a colon the library would read short and octal forms of IPv4 too.
  if (!bare.includes(":") || bare.includes("%")) return undefined;
  const quadAt = bare.lastIndexOf(":") + 1;
  if (bare.includes(".") && !IPV4.test(bare.slice(quadAt))) return undefined;
  if (!ipaddr.IPv6.isValid(bare)) return undefined;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/** An address that the system gave: IPv4 as it is written, also where a socket for both families says it in IPv6. */
export function unmapped(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/**
 * What stands for the holder of an address: an IPv4 address itself, of an IPv6 address the first 64 bits, for a network is
 * what a stranger has at least (case GW-38). What is no address stands for itself.
 */
export function holderOf(address: string): string {
  if (!address.includes(":")) return address;
  const normal = normalAddress(address);
  if (normal === undefined || !normal.includes(":")) return normal ?? address;
  const { parts } = ipaddr.IPv6.parse(normal);
  return `${parts[0]!.toString(16)}:${parts[1]!.toString(16)}:${parts[2]!.toString(16)}:${parts[3]!.toString(16)}::/64`;
}

/**
 * Whether an address lies in one of the ranges, each an address or a CIDR range. IPv4-mapped ranges and addresses count
 * as IPv4. What is no address is in no set. Verdicts are remembered, a bounded number of them.
 * Throws a TypeError for a malformed range.
 */
export function cidrSet(ranges: readonly string[]): (address: string) => boolean {
  if (ranges.length === 0) return () => false;
  const wanted = ranges.map(parsedRange);
  const verdicts = new Map<string, boolean>();

  const judge = (text: string): boolean => {
    const normal = normalAddress(text);
    if (normal === undefined) return false;
    const address = ipaddr.parse(normal);
    return wanted.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
  };

  return (text) => {
    const known = verdicts.get(text);
    if (known !== undefined) return known;
    const verdict = judge(text);
    if (text.length > LONGEST) return verdict;
    if (verdicts.size >= VERDICTS_KEPT) verdicts.clear();
    verdicts.set(text, verdict);
    return verdict;
  };
}

type Parsed = ipaddr.IPv4 | ipaddr.IPv6;

function parsedRange(range: string): readonly [base: Parsed, bits: number] {
  const slash = range.indexOf("/");
  const text = slash < 0 ? range : range.slice(0, slash);
  const bitsText = slash < 0 ? undefined : range.slice(slash + 1);
  const mapped = text.includes(":");
  const normal = /[[\]]|\.\d+:/.test(text) ? undefined : normalAddress(text);
  if (normal === undefined || (bitsText !== undefined && !/^\d{1,3}$/.test(bitsText))) throw malformed(range);
  const base = ipaddr.parse(normal);
  const width = base.kind() === "ipv4" ? 32 : 128;
  if (bitsText === undefined) return [base, width];
  // "::ffff:10.0.0.0/104" is 10.0.0.0/8.
  const bits = Number(bitsText) - (mapped && width === 32 ? 96 : 0);
  if (bits < 0 || bits > width) throw malformed(range);
  return [base, bits];
}

function malformed(range: string): TypeError {
  return new TypeError(`"${range}" is neither an IP address nor a CIDR range such as "10.0.0.0/8".`);
}
