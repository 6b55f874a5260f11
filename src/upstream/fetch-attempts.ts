// Attempts by the runtime's fetch: for `protocol: "h2"`, and where the runtime lends no sockets.
import { toGatewayError } from "../errors.ts";
import { Left } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
import { Attempts } from "./attempts.ts";
import { fetchAttempt } from "./fetch-client.ts";
import type { UpstreamTarget } from "./upstream.ts";

/** What the message's framing says; fetch frames by itself. */
const FRAMING: ReadonlySet<string> = new Set(["transfer-encoding", "content-length"]);

/** One fetch for each attempt. fetch does not tell what was sent: its failures are never safe to try again. */
export class FetchAttempts extends Attempts {
  readonly #platform: Platform;
  /** Ends the fetch that is under way. */
  readonly #left = new Left();

  constructor(platform: Platform, ...rest: ConstructorParameters<typeof Attempts>) {
    super(...rest);
    this.#platform = platform;
  }

  protected send(target: UpstreamTarget): void {
    void this.#send(target);
  }

  protected withdraw(): void {
    this.#left.tell();
  }

  async #send(target: UpstreamTarget): Promise<void> {
    const { x, passage, upgrade } = this;
    const { writer, timeouts } = passage;
    const { plan } = target;
    try {
      const fields = fieldsOf(writer.head(x, plan, upgrade));
      const url = `${plan.secure ? "https" : "http"}://${plan.authority}${x.forwardTarget ?? x.path + x.query}`;
      this.sent = true;
      const answer = await fetchAttempt(
        this.#platform,
        {
          method: x.method,
          url,
          over: target.over,
          fields,
          content: x.content,
          firstByteMs: timeouts.connectMs + timeouts.firstByteMs,
          idleMs: timeouts.idleMs,
        },
        this.#left,
      );
      this.answered(answer);
    } catch (thrown) {
      if (!this.#left.yes) this.failed(toGatewayError(thrown));
    }
  }
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
