// An attempt by the runtime's fetch: for `protocol: "h2"`, and where the runtime lends no sockets.
import { toGatewayError } from "../errors.ts";
import { Fields } from "../http/fields.ts";
import { Left } from "../left.ts";
import type { Platform } from "../platform.ts";
import { Attempt } from "./attempt.ts";
import { originOf } from "./client-tls.ts";
import { fetchAttempt } from "./fetch-client.ts";

/** What the message's framing says; fetch frames by itself. */
const FRAMING: ReadonlySet<string> = new Set(["transfer-encoding", "content-length"]);

/** One fetch. It does not tell what was sent: a failure is safe to try again only when no connection came about. */
export class FetchAttempt extends Attempt {
  readonly #platform: Platform;
  /** Ends the fetch. */
  readonly #left = new Left();

  constructor(platform: Platform, ...rest: ConstructorParameters<typeof Attempt>) {
    super(...rest);
    this.#platform = platform;
  }

  send(): void {
    void this.#send();
  }

  withdraw(): void {
    this.#left.tell();
  }

  async #send(): Promise<void> {
    const { x, passage } = this.attempts;
    const { timeouts } = passage;
    const { plan, over } = this.to;
    try {
      const fields = fieldsOf(this.attempts.head(this));
      const url = originOf(plan) + (x.forwardTarget ?? x.path + x.query);
      this.sent = true;
      const answer = await fetchAttempt(
        this.#platform,
        {
          method: x.method,
          url,
          over,
          fields,
          content: this.content,
          firstByteMs: timeouts.connectMs + timeouts.firstByteMs,
          idleMs: timeouts.idleMs,
        },
        this.#left,
      );
      this.attempts.answered(this, answer);
    } catch (thrown) {
      if (!this.#left.yes) this.attempts.failed(this, toGatewayError(thrown));
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
