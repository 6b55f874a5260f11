// A request of the gateway's own about an exchange: it asks a service what to make of it (forward-auth).
import type { Answer } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import { Exchange } from "../exchange.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";
import type { Fields } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
import { type Upstream, upstreamStage } from "./upstream.ts";

/** A service, and what is the same for every question to it. */
export interface Service {
  readonly upstream: Upstream;
  /** What to ask for. */
  readonly path: string;
  readonly query: string;
  /** From the question to the head of the answer. */
  readonly timeoutMs: number;
}

/** What the gateway alone states, of the request as it is going to be forwarded. */
const STATED = ["x-forwarded-method", "x-forwarded-uri", "x-real-ip"];

/**
 * Makes the function that asks: GET without content, with these fields of the client's, and with what the gateway knows
 * of the request: `X-Forwarded-Method`, `-Uri`, `-Proto`, `-Host`, `-For` and `X-Real-IP`. The path is the one that was
 * matched and is forwarded, so that what the service allows is what happens. A client that leaves ends the question.
 * @param owned lower-case names of fields that clients cannot send
 * @throws GatewayError one of the upstream's codes, `http_response_timeout`, or `client_disconnect`
 */
export function subrequest(
  { upstream, path, query, timeoutMs, owned }: Service & { readonly owned: readonly string[] },
  pseudonym: string,
  platform: Platform,
  deadlines: Deadlines,
): (x: Exchange, fields: Fields) => Promise<Answer> {
  const { timeouts, retries, hedge } = upstream.plan;
  const way = { timeouts, retries, hedge, upgrade: [] };
  const stage = upstreamStage(upstream, way, undefined, pseudonym, platform, {
    owned: [...owned, ...STATED],
    lines: (sub) => statedLines((sub as Subrequest).about),
  });
  return async (x, fields) => {
    const sub = new Subrequest(x, fields, platform.now());
    sub.path = path;
    sub.query = query;
    let late = false;
    const deadline = new Deadline(() => {
      late = true;
      sub.left.tell();
    });
    const before = x.left.also(() => sub.left.tell());
    if (x.left.yes) sub.left.tell();
    deadlines.arm(deadline, timeoutMs);
    try {
      return await stage(sub);
    } catch (thrown) {
      if (late)
        throw new GatewayError(
          "http_response_timeout",
          `no answer came within ${timeoutMs} ms (${upstream.plan.name}.timeout)`,
        );
      throw thrown;
    } finally {
      deadlines.disarm(deadline);
      x.left.restore(before);
    }
  };
}

/** The question as an exchange of its own. */
class Subrequest extends Exchange {
  readonly about: Exchange;

  constructor(about: Exchange, fields: Fields, startedAt: number) {
    const { scheme, authority, version, peer, target } = about;
    super({ method: "GET", target, scheme, authority, version, fields, content: null, peer }, startedAt);
    this.about = about;
    this.client = about.client;
    this.trusted = about.trusted;
    this.id = about.id;
    this.trace = about.trace && { ...about.trace, isAside: true };
  }
}

function statedLines({ method, path, query, client }: Exchange): string {
  return `X-Forwarded-Method: ${method}\r\nX-Forwarded-Uri: ${path}${query}\r\nX-Real-IP: ${client}\r\n`;
}
