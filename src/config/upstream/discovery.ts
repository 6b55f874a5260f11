// The schema of where targets are found while the gateway runs: exactly one of `dns`, `srv`, `file`, `from`.
import * as v from "valibot";
import { readTargetFile } from "../../discover/target-file.ts";
import { schemeFault } from "../../discover/target-list.ts";
import { isPort } from "../../discover/target-url.ts";
import { isHostName } from "../../http/host-name.ts";
import { normalAddress } from "../../http/ip.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { leaf, list, maybe, options, or, partOf, then, type Shape } from "../shape.ts";
import { choice, duration, text } from "../values.ts";
import type { FindTargets } from "./options.ts";
import type { DiscoveryPlan, FilePlan, LookupPlan, TargetPlan, UpstreamPlan } from "./plan.ts";
import { targetUrl } from "./target.ts";

/** Where targets are found, and the text of the file as it is now. */
export type FoundDiscovery = Exclude<DiscoveryPlan, FilePlan> | (FilePlan & { readonly text: string });

const KINDS = ["dns", "srv", "file", "from"] as const;
const SOME_TARGETS = "a list of targets, or an object with one of `dns`, `srv`, `file`, `from`";

/** Checks `targets` of an upstream where it is no list but says where targets are found. */
export function discoveryShape(reader: ConfigReader): Shape<FoundDiscovery> {
  const shapes: Readonly<Record<(typeof KINDS)[number], Shape<FoundDiscovery>>> = {
    dns: dnsShape(reader),
    srv: srvShape,
    file: fileShape(reader),
    from: fromShape,
  };
  return v.lazy((value): Shape<FoundDiscovery> => {
    const kinds = KINDS.filter((kind) => partOf(value, kind) !== undefined);
    if (kinds.length !== 1) return NO_KIND;
    return reader.background === false ? NO_BACKGROUND : shapes[kinds[0]!];
  });
}

const NO_KIND = leaf<never>(() => new Problem(SOME_TARGETS));
const NO_BACKGROUND = leaf<never>(
  () =>
    new Problem("a list of targets", {
      hint: "On Cloudflare nothing runs between requests: its runtime looks up names by itself.",
    }),
);

/** The targets that are known when the plan is made, and where they are found later. */
export function targetsAt(
  targets: readonly TargetPlan[] | FoundDiscovery,
  protocol: UpstreamPlan["protocol"],
): Pick<UpstreamPlan, "targets" | "discovery"> {
  if (!("kind" in targets)) return { targets };
  if (targets.kind !== "file") return { targets: [], discovery: targets };
  const { kind, path } = targets;
  return { targets: targetsOfFile(targets, protocol) as readonly TargetPlan[], discovery: { kind, path } };
}

/** What is wrong with targets that are found while the gateway runs. */
export function* discoveryProblems(
  discovery: FoundDiscovery | undefined,
  protocol: UpstreamPlan["protocol"] | undefined,
): Generator<Problem> {
  if (discovery === undefined || protocol === undefined) return;
  if (discovery.kind === "file") {
    for (const each of targetsOfFile(discovery, protocol)) if (each instanceof Problem) yield each;
  } else if ("secure" in discovery) {
    const wrong = schemeFault(protocol, discovery.secure);
    const at = ["targets", discovery.kind === "dns" ? "dns" : "scheme"];
    if (wrong !== undefined) yield new Problem(`${wrong.scheme}, ${wrong.as}`, { at, hint: wrong.hint });
  }
}

/** The targets that the file names now, or what is wrong with it. */
function targetsOfFile(
  { path, text }: Extract<FoundDiscovery, FilePlan>,
  protocol: UpstreamPlan["protocol"],
): readonly TargetPlan[] | readonly Problem[] {
  const list = readTargetFile(text, protocol);
  if ("targets" in list) return list.targets;
  return list.faults.map(({ line, column, wanted, hint }) => {
    const place = { file: path, line, column };
    return new Problem(wanted, { at: ["targets", "file"], found: false, place, ...(hint !== undefined && { hint }) });
  });
}

const A_RESOLVER = 'the address of a DNS server, such as "10.0.0.53" or "[fd00::53]:5353"';

/** A server as `address:port`. */
const resolver = text(A_RESOLVER, (written) => {
  const parts = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(written);
  const address = normalAddress(parts?.[1] ?? parts?.[2] ?? written);
  if (address === undefined || !isPort(parts?.[3] ?? "53")) return new Problem(A_RESOLVER);
  return `${address.includes(":") ? `[${address}]` : address}:${parts?.[3] ?? "53"}`;
});

const lookupEntries = {
  refresh: or(
    options({ min: or(duration(100), "1s"), max: or(duration(100), "5m") }, function* ({ min, max }) {
      if (min !== undefined && max !== undefined && min > max) {
        yield new Problem("a `min` that is not longer than `max`", { at: ["min"], found: false });
      }
    }),
    {},
  ),
  resolver: maybe(list(resolver, "a list of DNS servers", 1)),
  family: or(choice("both", "ipv4", "ipv6"), "both"),
};

const FAMILIES = { both: [4, 6], ipv4: [4], ipv6: [6] } as const;

function lookup(written: {
  readonly refresh: { readonly min: number; readonly max: number };
  readonly resolver: readonly string[] | undefined;
  readonly family: keyof typeof FAMILIES;
}): LookupPlan {
  const { refresh, resolver, family } = written;
  return { servers: resolver, families: FAMILIES[family], minMs: refresh.min, maxMs: refresh.max };
}

function dnsShape(reader: ConfigReader): Shape<FoundDiscovery> {
  const shape = options({ dns: targetUrl(reader), ...lookupEntries }, function* ({ dns }) {
    if (dns === undefined || normalAddress(dns.host) === undefined) return;
    yield new Problem("a URL whose host is a name", { at: ["dns"], hint: "An address is a target by itself: [url]." });
  });
  return then(shape, ({ dns, ...written }) => {
    const { host, secure, port, authority } = dns;
    return { kind: "dns", name: host, secure, port, authority, ...lookup(written) };
  });
}

const A_SERVICE = 'the name of a service, such as "_http._tcp.orders.internal"';

const service = text(A_SERVICE, (written) => {
  const name = written.toLowerCase();
  return isHostName(name) && normalAddress(name) === undefined ? name : new Problem(A_SERVICE);
});

const srvShape: Shape<FoundDiscovery> = then(
  options({ srv: service, scheme: or(choice("http", "https"), "http"), ...lookupEntries }),
  ({ srv, scheme, ...written }) => ({
    kind: "srv",
    service: srv,
    secure: scheme === "https",
    domain: srv.replace(/^(?:_[^.]+\.)+/, ""),
    ...lookup(written),
  }),
);

const A_FILE = 'the name of a file of targets, such as "targets.yaml"';

function fileShape(reader: ConfigReader): Shape<FoundDiscovery> {
  const file = text(A_FILE, (written) => {
    const path = reader.locate?.(written);
    const content = reader.file(written);
    if (path === undefined || content === undefined) return new Problem(A_FILE, { hint: "No such file can be read." });
    return { kind: "file" as const, path, text: content };
  });
  return then(options({ file }), (written) => written.file);
}

const findTargets = leaf((value) =>
  typeof value === "function" ? (value as FindTargets) : new Problem("a function that returns a list of targets"),
);

const fromShape: Shape<FoundDiscovery> = then(
  options({ from: findTargets, every: or(duration(100), "10s") }),
  ({ from, every }) => ({ kind: "function", find: from, everyMs: every }),
);
