// The schema of where and how the gateway accepts.
import { cidrSet } from "../http/ip.ts";
import { type ConfigReader, Problem } from "./fault.ts";
import { isHostName } from "../http/host-name.ts";
import type { ListenPlan } from "./plan.ts";
import { http2Plan, http2Problems, http2Shape } from "./listen/http2.ts";
import { listenTlsShape } from "./listen/tls.ts";
import { leaf, list, maybe, options, or, then, type Shape } from "./shape.ts";
import { choice, duration, size, text, whole } from "./values.ts";

const AN_ADDRESS = "an address to bind";
const A_RANGE = 'an IP address or a range such as "10.0.0.0/8"';

/** Checks an address to listen on: a host name or an IP address without brackets. */
export const bindAddress = text(AN_ADDRESS, (host) => {
  if (isHostName(host)) return host;
  const hint = 'It is an IP address or a name, without brackets and port, such as "0.0.0.0", "::" or "localhost".';
  return new Problem(AN_ADDRESS, { hint });
});

/** Checks an IP address or a CIDR range. */
export const range = text(A_RANGE, (written) => {
  try {
    cidrSet([written]);
    return written;
  } catch {
    return new Problem(A_RANGE);
  }
});

const timeouts = options({
  head: or(duration(), "10s"),
  keepAlive: or(duration(), "75s"),
  body: or(duration(), "30s"),
  send: or(duration(), "60s"),
});

/** Checks the option `listen`. */
export const listenShape = (reader: ConfigReader): Shape<ListenPlan> =>
  then(
    options(
      {
        port: or(whole(0, 65_535), 8080),
        host: or(bindAddress, "0.0.0.0"),
        trustedProxies: or(list(range, "a list of IP addresses and ranges"), []),
        maxTarget: or(size, "16KiB"),
        maxHead: or(size, "64KiB"),
        timeouts: or(timeouts, {}),
        halfClose: or(choice("ask", "answer", "leave"), "ask"),
        maxConnections: or(whole(1, 10_000_000), 16_384),
        // Cloudflare has no listeners, and no files.
        tls: reader.background === false ? leaf(() => undefined) : maybe(listenTlsShape(reader)),
        http2: maybe(http2Shape),
      },
      function* ({ port, tls, http2 }, written) {
        yield* http2Problems(http2, written["tls"] !== undefined);
        if (tls?.redirect !== undefined && tls.redirect.port === port) {
          yield new Problem("another port than the listener's", {
            at: ["tls", "redirectHttp", "port"],
            found: String(port),
          });
        }
      },
    ),
    ({ timeouts, http2, ...rest }) => ({
      ...rest,
      http2: http2Plan(http2, rest.tls !== undefined),
      headMs: timeouts.head,
      keepAliveMs: timeouts.keepAlive,
      bodyMs: timeouts.body,
      sendMs: timeouts.send,
    }),
  );
