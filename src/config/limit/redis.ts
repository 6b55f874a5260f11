// Redis as the store of counts: what a user writes, and its schema.
import { normalAddress } from "../../http/ip.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { isHostName } from "../../http/host-name.ts";
import type { Duration, UpstreamTls } from "../options.ts";
import { type Hidden, Secret } from "../secrets.ts";
import { maybe, options, or, then, type Shape } from "../shape.ts";
import { tlsShape } from "../tls.ts";
import { choice, duration, hiddenText, text, whole, type FoundText } from "../values.ts";
import { LimitStoreOptions } from "./options.ts";
import type { RedisStorePlan } from "./plan.ts";

/** Options of `redis()`: how Redis is asked. */
export interface RedisStoreOptions {
  /** Default: what the URL says, else Redis's `default`. */
  user?: string | Hidden;
  /** `env("REDIS_PASSWORD")`. Default: what the URL says, else none. */
  password?: string | Hidden;
  /** Number of the database. Default: what the URL says, else `0`. */
  database?: number;
  /** How TLS is spoken, with a `rediss://` URL. */
  tls?: UpstreamTls;
  /** Longest wait for one decision. Default: `"100ms"`. */
  timeout?: Duration;
  /**
   * What becomes of requests while Redis cannot be asked: `"refuse"` answers 503, `"local"` counts in the process alone.
   * Default: `"refuse"`.
   */
  onStoreError?: "refuse" | "local";
  /** What the keys begin with; gateways that count together have the same. Default: `"sluice:"`. */
  prefix?: string;
}

/**
 * Counts in a Redis (6 or later) or Valkey that several gateways share. The URL is `redis://host:port/database`, with
 * `rediss://` over TLS; where it holds a password it comes from `env`.
 */
export function redis(url: string | Hidden, options: RedisStoreOptions = {}): LimitStoreOptions {
  return new LimitStoreOptions("redis", { ...options, url });
}

const A_URL = 'the URL of a Redis, such as "redis://127.0.0.1:6379"';
const A_PREFIX = "a text of printable ASCII without blanks, 64 characters at most";

/** Checks the options of `redis()`. */
export function redisShape(reader: ConfigReader): Shape<RedisStorePlan> {
  const hidden = (wanted: string): Shape<Secret> =>
    hiddenText(wanted, reader, ({ text, secret }) =>
      text === "" ? new Problem(wanted) : (secret ?? new Secret(text, "limiting.store")),
    );
  const shape = options(
    {
      url: hiddenText(A_URL, reader, readUrl),
      user: maybe(hidden("the name of a user of Redis")),
      password: maybe(hidden("the password of Redis")),
      database: maybe(whole(0, 65_535)),
      tls: maybe(tlsShape(reader)),
      timeout: or(duration(1, 60_000), "100ms"),
      onStoreError: or(choice("refuse", "local"), "refuse"),
      prefix: or(
        text(A_PREFIX, (prefix) => (/^[!-~]{0,64}$/.test(prefix) ? prefix : new Problem(A_PREFIX))),
        "sluice:",
      ),
    },
    function* (right, written) {
      if (right.url !== undefined && !right.url.secure && written["tls"] !== undefined) {
        yield new Problem("a rediss:// URL beside tls", { at: ["url"] });
      }
      const password = right.url?.password ?? written["password"];
      if ((right.url?.user ?? written["user"]) !== undefined && password === undefined) {
        yield new Problem("a password beside user", { at: ["user"] });
      }
    },
  );
  const defaultTls = { serverName: undefined, ca: undefined, cert: undefined, key: undefined, verify: true };
  return then(shape, ({ url, user, password, database, tls, timeout, onStoreError, prefix }) => ({
    kind: "redis",
    host: url.host,
    port: url.port,
    tls: url.secure ? (tls ?? defaultTls) : undefined,
    user: user?.reveal() ?? url.user,
    password: password ?? url.password,
    database: database ?? url.database,
    prefix,
    timeoutMs: timeout,
    onError: onStoreError,
  }));
}

/** The parts of a `redis://` URL. */
interface RedisUrl {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: number;
}

function readUrl({ text: url, secret }: FoundText): RedisUrl | Problem {
  const refused = (hint: string, found?: false): Problem =>
    new Problem(A_URL, { hint, ...(found === undefined ? {} : { found }) });
  const parts = /^(rediss?):\/\/(?:([^@/]*)@)?(\[[^\]]*\]|[^:/[\]@]*)(?::(\d{1,5}))?(?:\/(\d{0,5}))?$/i.exec(url);
  // What is no such URL may still hold a password.
  if (parts === null) return refused('It is "redis://host:port/database", or "rediss://" over TLS.', false);
  const [, scheme = "", who, written = "", portText, databaseText] = parts;
  if (who !== undefined && secret === undefined) {
    return refused('A password does not stand in the config: password: env("REDIS_PASSWORD").', false);
  }
  const host = written.startsWith("[") ? normalAddress(written) : isHostName(written) ? written : undefined;
  const port = portText === undefined ? 6379 : Number(portText);
  if (host === undefined) return refused("Its host is neither a name nor an IP address.", false);
  if (port < 1 || port > 65_535) return refused("The port is a whole number from 1 to 65535.", false);
  const [user, password] = credentials(who);
  return {
    secure: scheme.toLowerCase() === "rediss",
    host,
    port,
    user,
    password: password === undefined ? undefined : new Secret(password, secret!.source),
    database: databaseText ? Number(databaseText) : 0,
  };
}

/** User and password, percent-decoded (RFC 3986 section 3.2.1); a text that cannot be decoded is meant as it is. */
function credentials(who: string | undefined): [user: string | undefined, password: string | undefined] {
  if (who === undefined || who === "") return [undefined, undefined];
  const colon = who.indexOf(":");
  const plain = (text: string): string | undefined => {
    try {
      return decodeURIComponent(text) || undefined;
    } catch {
      return text;
    }
  };
  return colon < 0 ? [plain(who), undefined] : [plain(who.slice(0, colon)), plain(who.slice(colon + 1))];
}
