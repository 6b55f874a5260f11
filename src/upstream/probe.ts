// A check of one target, once: connects as traffic does, asks if there is something to ask, and says what was wrong.
import type { Answer } from "../answer.ts";
import type { HealthPlan, TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { type ErrorCode, type GatewayError, toGatewayError } from "../errors.ts";
import { type BodySink, isStream } from "../http/body.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";
import { Fields } from "../http/fields.ts";
import { latin1Text, wireText } from "../http/latin1.ts";
import { Left } from "../left.ts";
import type { Connecting, Platform, Socket } from "../platform.ts";
import { reasonOfCode, UNEXPECTED_BODY } from "../verdict.ts";
import { clientTls } from "../http/client-tls.ts";
import { connectOptions, originOf } from "./client-tls.ts";
import { fetchAttempt } from "./fetch-client.ts";
import { connectFailure } from "./http1/connect-failure.ts";
import { Connection } from "./http1/connection.ts";
import type { Home, Receiver } from "./http1/connection-ends.ts";
import { type Http2Home, Http2TargetConnection } from "./http2/connection.ts";
import { hostOf } from "./request.ts";

/** Most bytes of an answer's content that are looked at. */
const MOST_BODY = 64 * 1024;

/** What every check of an upstream's targets needs. */
export interface ProbeParts {
  readonly upstream: UpstreamPlan;
  readonly health: HealthPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
}

/** One check. It tells once, perhaps before `start` returns: 0 when all was well, else why not (see verdict.ts). */
export class Probe implements Home, Http2Home, Receiver, BodySink {
  readonly deadlines: Deadlines;
  readonly limits: Home["limits"];
  readonly #parts: ProbeParts;
  readonly #target: TargetPlan;
  readonly #told: (reason: number) => void;
  readonly #clock = new Deadline(() => this.#end(reasonOfCode(this.#late)));
  readonly #left = new Left();
  #connecting: Connecting | undefined = undefined;
  #connection: Connection | Http2TargetConnection | undefined = undefined;
  #answer: Answer | undefined = undefined;
  /** What it is called when the time is over now. */
  #late: ErrorCode = "connection_timeout";
  #body = "";
  #over = false;

  constructor(parts: ProbeParts, target: TargetPlan, told: (reason: number) => void) {
    this.deadlines = parts.deadlines;
    this.limits = { maxTarget: Infinity, maxHead: parts.upstream.maxHead, maxFields: 256 };
    this.#parts = parts;
    this.#target = target;
    this.#told = told;
  }

  /** Begins. */
  start(): void {
    const { upstream, health, platform } = this.#parts;
    this.deadlines.arm(this.#clock, health.timeoutMs);
    if (health.kind === "http" && upstream.protocol === "h2") return void this.#fetch(health);
    this.#connecting = platform.connect!(connectOptions(this.#target, upstream.tls, false), {
      connected: (socket) => this.#connected(socket),
      failed: (error) => this.failed(connectFailure(error, this.#target.url)),
    });
  }

  /** Ends at once. Nobody is told. */
  cancel(): void {
    this.#over = true;
    this.#letGo();
  }

  answered(answer: Answer): void {
    const { health } = this.#parts;
    if (health.kind === "tcp") return;
    this.#answer = answer;
    const { status, content } = answer;
    const expected = health.statuses.some((each) => each === status || each === Math.floor(status / 100));
    if (!expected) return this.#end(status);
    if (health.body === undefined) return this.#end(0);
    this.#late = "connection_read_timeout";
    if (isStream(content)) return content.pipe(this);
    if (content !== null) this.write(content);
    this.end();
  }

  failed(error: GatewayError): void {
    this.#end(reasonOfCode(error.code));
  }

  // BodySink: the answer's content

  write(piece: Uint8Array): boolean {
    const { health } = this.#parts;
    if (this.#over || health.kind === "tcp") return false;
    this.#body += latin1Text(piece, 0, Math.min(piece.length, MOST_BODY - this.#body.length));
    if (this.#body.includes(wireText(health.body!))) this.#end(0);
    else if (this.#body.length >= MOST_BODY) this.#end(UNEXPECTED_BODY);
    return !this.#over;
  }

  end(): void {
    this.#end(UNEXPECTED_BODY);
  }

  fail(error: Error): void {
    this.failed(toGatewayError(error));
  }

  // Home: of one connection, which serves once

  release(connection: Connection): void {
    connection.close();
  }

  /** Nobody else wants a place on it. */
  freed(): void {}

  closed(): void {
    this.#connection = undefined;
  }

  get sendMs(): number {
    return this.#parts.upstream.timeouts.sendMs;
  }

  now(): number {
    return this.#parts.platform.now();
  }

  #connected(socket: Socket): void {
    const { upstream, health, platform } = this.#parts;
    this.#connecting = undefined;
    const isHttp2 = upstream.protocol === "h2c" && health.kind === "http";
    const connection = isHttp2
      ? new Http2TargetConnection(socket, this, "http")
      : new Connection(socket, this, platform.now());
    this.#connection = connection;
    if (health.kind === "tcp") return this.#end(0);
    this.#late = "http_response_timeout";
    const lines = this.#lines(health).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${health.method} ${health.path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    // The check's own clock runs: those of traffic do not.
    const timeouts = { ...upstream.timeouts, firstByteMs: 0, idleMs: 0 };
    const lent = connection instanceof Connection ? connection : connection.lend();
    lent.send({ method: health.method, head, content: null, trails: undefined, upgrade: "", timeouts }, this);
  }

  async #fetch(health: HealthPlan & { readonly kind: "http" }): Promise<void> {
    const { upstream, platform } = this.#parts;
    const target = this.#target;
    this.#late = "http_response_timeout";
    try {
      const answer = await fetchAttempt(
        platform,
        {
          method: health.method,
          url: originOf(target) + health.path,
          over: { http2: true, tls: clientTls(upstream.tls, target.name ?? target.host) },
          fields: Fields.of(...this.#lines(health)),
          content: null,
          firstByteMs: health.timeoutMs * 2,
          idleMs: health.timeoutMs * 2,
        },
        this.#left,
      );
      if (this.#over) answer.discard();
      else this.answered(answer);
    } catch (thrown) {
      this.failed(toGatewayError(thrown));
    }
  }

  #lines({ host, fields }: HealthPlan & { readonly kind: "http" }): [name: string, value: string][] {
    const own = fields.map(([name, value]): [string, string] => [
      name,
      wireText(typeof value === "string" ? value : value.reveal()),
    ]);
    const lines: [string, string][] = [["Host", host ?? hostOf(this.#parts.upstream.host, this.#target, "")]];
    if (!own.some(([name]) => name.toLowerCase() === "user-agent")) lines.push(["User-Agent", "sluice-health"]);
    return [...lines, ...own];
  }

  #end(reason: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#letGo();
    this.#told(reason);
  }

  #letGo(): void {
    this.deadlines.disarm(this.#clock);
    void this.#connecting?.abort();
    this.#left.tell();
    if (this.#connection !== undefined) this.#connection.close();
    else this.#answer?.discard();
  }
}
