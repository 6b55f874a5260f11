// Sends requests to a collector: OTLP over HTTP with JSON. What fails for a time is sent again, later each time.
import type { OtlpEndpoint } from "../../config/telemetry/plan.ts";
import { chances } from "../../http/chance.ts";
import { retryAfterMs } from "../../http/retry-after.ts";
import type { ClientTls, FetchConnection, Platform, Timer } from "../../platform.ts";

/** Statuses at which a request may be sent again (opentelemetry-proto, specification of OTLP/HTTP). */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** The pause before a second try; each time it doubles, up to the most, and is shortened by chance. */
const PAUSE_MS = 1000;
const MOST_PAUSE_MS = 16_000;
/** However long a collector asks for patience, it is tried again after this. */
const MOST_PATIENCE_MS = 3_600_000;

/** Bytes of an answer that are read. */
const MOST_ANSWER = 64 * 1024;

type Message = string | Uint8Array<ArrayBuffer>;

/** What became of a request. */
export interface Sent {
  /** Taken, not taken for good, or nobody took it in time. */
  readonly outcome: "sent" | "refused" | "failed";
  /** Spans or points that were not taken of one that was. */
  readonly rejected: number;
}

/** What became of one try. */
interface Tried extends Sent {
  /** Why it was not taken, or what of it was not. */
  readonly why: string;
  /** Asked for by the collector. */
  readonly pauseMs: number;
}

const LOST: Sent = { outcome: "failed", rejected: 0 };

/**
 * Sends to one address. When the collector asks for patience (`Retry-After`), nothing at all is sent until then, an hour
 * at most. The operator is told when it stops to take, and when it takes again.
 */
export class OtlpSender {
  readonly #plan: OtlpEndpoint;
  readonly #what: string;
  readonly #platform: Platform;
  readonly #over: FetchConnection;
  readonly #chance: () => number;
  /** Ends what is under way: a try, or the pause between two. */
  readonly #ends = new Set<() => void>();
  #stopped = false;
  /** When the collector may be asked again. */
  #notBefore = 0;
  /** Whether the last request was not taken. */
  #fails = false;

  /** @param what is sent, for the operator: "spans" */
  constructor(plan: OtlpEndpoint, tls: ClientTls | undefined, what: string, platform: Platform) {
    this.#plan = plan;
    this.#what = what;
    this.#platform = platform;
    this.#over = { http2: false, tls };
    this.#chance = chances(platform.random(1)[0]!);
  }

  /** Resolves once the collector may be asked, or the sender is stopped: until then what is to be sent had better wait. */
  async ready(): Promise<void> {
    await this.#pauseUntil(this.#notBefore);
  }

  /** Sends a message, JSON as text or in UTF-8, for so long at most. Never rejects. */
  async send(message: Message, forMs: number): Promise<Sent> {
    const due = this.#platform.now() + forMs;
    const body = await this.#bodyOf(message);
    let last: Sent = LOST;
    let at = this.#notBefore;
    for (let pause = PAUSE_MS; at < due; pause = Math.min(2 * pause, MOST_PAUSE_MS)) {
      await this.#pauseUntil(at);
      const leftMs = Math.ceil(due - this.#platform.now());
      if (this.#stopped || leftMs <= 0) break;
      const tried = await this.#try(body, Math.min(this.#plan.timeoutMs, leftMs));
      const now = this.#platform.now();
      this.#notBefore = now + Math.min(tried.pauseMs, MOST_PATIENCE_MS);
      this.#tell(tried);
      if (tried.outcome !== "failed") return tried;
      last = tried;
      at = Math.max(this.#notBefore, now + pause * (0.5 + this.#chance() / 2));
    }
    return last;
  }

  /** Ends what is under way, for good. */
  stop(): void {
    this.#stopped = true;
    for (const end of this.#ends) end();
  }

  async #try(body: Message, forMs: number): Promise<Tried> {
    const controller = new AbortController();
    let isLate = false;
    const end = (): void => controller.abort();
    const timer = this.#platform.setTimer(() => {
      isLate = true;
      end();
    }, forMs);
    this.#ends.add(end);
    try {
      const headers = new Headers({ "content-type": "application/json", "user-agent": "sluice" });
      if (this.#plan.gzip) headers.set("content-encoding", "gzip");
      for (const [name, value] of this.#plan.headers) {
        headers.set(name, typeof value === "string" ? value : value.reveal());
      }
      const request = new Request(this.#plan.url, {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal: controller.signal,
      });
      return await this.#judge(await this.#platform.fetch(request, this.#over));
    } catch (thrown) {
      const why = isLate ? `no answer within ${forMs} ms` : reasonOf(thrown);
      return { ...LOST, why, pauseMs: 0 };
    } finally {
      this.#platform.clearTimer(timer);
      this.#ends.delete(end);
    }
  }

  async #judge(response: Response): Promise<Tried> {
    const { status } = response;
    const text = await textOf(response);
    if (status >= 200 && status < 300) return { outcome: "sent", ...rejectedIn(text), pauseMs: 0 };
    const outcome = AGAIN.has(status) ? "failed" : "refused";
    const asked = retryAfterMs(response.headers.get("retry-after") ?? undefined, this.#platform.wallClock());
    // What was refused for good is not to come again, and the next message may be another.
    const pauseMs = outcome === "failed" ? asked : 0;
    return { outcome, rejected: 0, why: `status ${status}`, pauseMs };
  }

  /** Returns at once where that is past, or the sender is stopped. */
  async #pauseUntil(at: number): Promise<void> {
    const ms = at - this.#platform.now();
    if (ms <= 0 || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        this.#platform.clearTimer(timer);
        this.#ends.delete(over);
        resolve();
      };
      const timer: Timer = this.#platform.setTimer(over, ms);
      this.#ends.add(over);
    });
  }

  async #bodyOf(message: Message): Promise<Message> {
    if (!this.#plan.gzip) return message;
    const packed = new Blob([message]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  }

  /** Each change is told once, however much is sent. What is said while it stops is what its own end has made of it. */
  #tell({ outcome, why }: Tried): void {
    if (this.#stopped) return;
    const place = `otlp: ${new URL(this.#plan.url).origin}`;
    const fails = outcome !== "sent" || why !== "";
    if (fails && !this.#fails) {
      this.#platform.notice("warn", `${place} does not take ${this.#what}: ${why}`);
    } else if (!fails && this.#fails) this.#platform.notice("info", `${place} takes ${this.#what} again`);
    this.#fails = fails;
  }
}

/** What a collector has not taken of what it took ("partial success"). */
function rejectedIn(text: string): Pick<Tried, "rejected" | "why"> {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: Readonly<Record<string, unknown>> };
    const { rejectedSpans, rejectedDataPoints, errorMessage } = partialSuccess ?? {};
    const rejected = Number(rejectedSpans ?? rejectedDataPoints ?? 0);
    const message = typeof errorMessage === "string" ? `: ${shown(errorMessage)}` : "";
    if (rejected > 0) return { rejected, why: `${rejected} of one request were rejected${message}` };
  } catch {
    // Nothing is said in a form that anybody knows: all was taken.
  }
  return { rejected: 0, why: "" };
}

/** The beginning of an answer; all that comes behind it is not read. */
async function textOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MOST_ANSWER) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  void reader.cancel().catch(() => undefined);
  return text;
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
  return shown(typeof code === "string" ? code : String(message));
}

function shown(text: string): string {
  return text.replace(/[^ -~]+/g, " ").slice(0, 200);
}
