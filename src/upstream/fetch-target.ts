// The stage that forwards by the runtime's fetch: for `protocol: "h2"`, and where the runtime lends no sockets.
import type { TimeoutsPlan, UpstreamPlan } from "../config/plan.ts";
import type { Exchange, LastStage } from "../exchange.ts";
import { toGatewayError } from "../errors.ts";
import { Fields } from "../http/fields.ts";
import type { FetchConnection, Platform } from "../platform.ts";
import { clientTls } from "./client-tls.ts";
import { fetchAttempt } from "./fetch-client.ts";
import type { RequestWriter } from "./request.ts";

/** What the message's framing says; fetch frames by itself. */
const FRAMING: ReadonlySet<string> = new Set(["transfer-encoding", "content-length"]);

/** One attempt at one target: fetch does not tell whether a second one would be safe. */
export function fetchTarget(
  upstream: UpstreamPlan,
  pick: () => number,
  writer: RequestWriter,
  timeouts: TimeoutsPlan,
  upgradeOf: (x: Exchange) => string,
  platform: Platform,
): LastStage {
  const connections = upstream.targets.map((target): FetchConnection => ({
    http2: upstream.protocol === "h2",
    tls: target.secure ? clientTls(upstream.tls, target.host) : undefined,
  }));
  return async (x) => {
    const index = pick();
    const target = upstream.targets[index]!;
    const attempt = {
      target: target.url,
      status: 0,
      error: undefined as ReturnType<typeof toGatewayError> | undefined,
    };
    x.attempts = [attempt];
    const fields = fieldsOf(writer.head(x, target, upgradeOf(x)));
    const url = `${target.secure ? "https" : "http"}://${target.authority}${x.forwardTarget ?? x.path + x.query}`;
    const request = {
      method: x.method,
      url,
      over: connections[index]!,
      fields,
      content: x.content,
      firstByteMs: timeouts.connectMs + timeouts.firstByteMs,
      idleMs: timeouts.idleMs,
    };
    try {
      const answer = await fetchAttempt(platform, request, x.left);
      attempt.status = answer.status;
      return answer;
    } catch (thrown) {
      attempt.error = toGatewayError(thrown);
      throw attempt.error;
    }
  };
}

/** The fields of a head that this gateway wrote. */
function fieldsOf(head: string): Fields {
  const fields = new Fields();
  for (const line of head.split("\r\n").slice(1, -2)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    if (!FRAMING.has(name.toLowerCase())) fields.add(name, line.slice(colon + 2));
  }
  return fields;
}
