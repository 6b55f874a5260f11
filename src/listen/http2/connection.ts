// One client connection of HTTP/2: streams in, answers out, and what both sides tell each other of the connection (RFC 9113).
import { GatewayError } from "../../errors.ts";
import { Deadline } from "../../http/deadlines.ts";
import { ANSWERED, CONTENT, Calm } from "../../http/http2/calm.ts";
import * as faults from "../../http/http2/fault.ts";
import { ConnectionFault } from "../../http/http2/fault.ts";
import * as frames from "../../http/http2/frame.ts";
import { WINDOW } from "../../http/http2/incoming.ts";
import { Sender } from "../../http/http2/sender.ts";
import * as settings from "../../http/http2/settings.ts";
import type { HeadLimits } from "../../http/message.ts";
import type { Socket, SocketHandler } from "../../platform.ts";
import { headTooLate } from "../lateness.ts";
import { Lingering } from "../linger.ts";
import { SendClock } from "../send-clock.ts";
import { type Guest, LAST_MS, type Shared } from "../shared.ts";
import { Requests, type RequestsOwner } from "./requests.ts";
import { Stream } from "./stream.ts";

/** Content of this size is progress; frames with less count for as much as they hold: a client may have asked for them. */
const PROGRESS = 512;

/** The gateway lets go. `warned`: new streams are still served. `last`: they are not. */
type Leaving = "no" | "warned" | "last";

/** A client's connection. Owns its socket until what lingers behind the last frame takes it. */
export class Http2Connection implements Guest, SocketHandler, RequestsOwner {
  readonly socket: Socket;
  readonly shared: Shared;
  readonly sender: Sender;
  firstWindow = frames.FIRST_WINDOW;
  readonly calm: Calm;
  readonly maxStreams: number;
  readonly #incoming: Requests;
  /** Answered; their last bytes wait in the socket. */
  #landing: Stream[] = [];
  #isReading = false;
  #isFull = false;
  #isGone = false;
  #peerLeaves = false;
  #leaving: Leaving = "no";
  #lingering: Lingering | undefined = undefined;
  readonly #idle: Deadline;
  readonly #head: Deadline;
  readonly #lastCall: Deadline;
  readonly #sending: SendClock;

  constructor(socket: Socket, shared: Shared, maxStreams: number) {
    const { deadlines, plan, limits, platform } = shared;
    this.socket = socket;
    this.shared = shared;
    this.maxStreams = maxStreams;
    this.calm = new Calm(() => platform.now());
    this.sender = new Sender(socket, () => this.#full());
    this.#incoming = new Requests(this);
    this.#idle = new Deadline(() => this.#goodbye());
    this.#head = new Deadline(() =>
      this.#fail(new ConnectionFault(faults.ENHANCE_YOUR_CALM, headTooLate(plan.headMs).message)),
    );
    this.#lastCall = new Deadline(() => this.#refuseMore());
    this.#sending = new SendClock(socket, deadlines, plan.sendMs, (error) => this.#cut(error));
    socket.handler = this;
    deadlines.arm(this.#idle, plan.keepAliveMs);
    const ours = frames.settings([
      [settings.MAX_CONCURRENT_STREAMS, maxStreams],
      [settings.MAX_HEADER_LIST_SIZE, limits.maxHead],
      [settings.NO_RFC7540_PRIORITIES, 1],
    ]);
    this.sender.control(ours + frames.windowUpdate(0, WINDOW - frames.FIRST_WINDOW));
  }

  // Guest

  drain(): void {
    if (this.#isGone) return;
    this.#warn();
    this.shared.deadlines.arm(this.#lastCall, LAST_MS);
  }

  cut(): void {
    if (this.#lingering !== undefined) this.#lingering.cut();
    else this.#cut(new GatewayError("draining", "the gateway shut down in the middle of the exchange"));
  }

  /** There are no tunnels. */
  reroute(): void {}

  // SocketHandler

  data(bytes: Uint8Array): void {
    if (this.#isGone) return;
    this.#isReading = true;
    const fault = this.#incoming.receive(bytes);
    if (fault !== undefined) this.#fail(fault);
    this.#isReading = false;
    this.sender.uncork();
    this.#settle();
  }

  drained(): void {
    this.#isFull = false;
    this.#sending.stop();
    const landed = this.#landing;
    this.#landing = [];
    for (const stream of landed) stream.record();
    this.sender.drained();
    this.#settle();
  }

  ended(): void {
    this.#peerLeaves = true;
    const { halfClose } = this.shared.plan;
    for (const stream of this.#incoming.streams.values()) {
      if (stream.isEnded && halfClose !== "leave") continue;
      stream.reset(
        faults.CANCEL,
        new GatewayError("client_disconnect", "the client ended in the middle of its request"),
      );
    }
    // A client that is gone answers these bytes with a reset (cases GW-20, GW-22).
    if (this.#incoming.streams.size > 0 && halfClose === "ask") this.sender.control(frames.ping("\0".repeat(8), 0));
    this.#settle();
  }

  closed(): void {
    this.#leave(new GatewayError("client_disconnect", "the client closed the connection"));
    this.shared.closed(this);
  }

  // StreamOwner

  get mayReceive(): boolean {
    return this.#incoming.mayReceive;
  }

  taken(bytes: number): void {
    if (!this.#isGone) this.#incoming.taken(bytes);
  }

  answers(): void {
    if (this.shared.leaving) this.#warn();
  }

  sentContent(bytes: number, isAll: boolean): void {
    this.calm.earn(isAll ? CONTENT : CONTENT * Math.min(1, bytes / PROGRESS));
  }

  answered(stream: Stream): void {
    this.calm.earn(ANSWERED);
    if (this.socket.waiting > 0) this.#landing.push(stream);
    else stream.record();
  }

  over(stream: Stream, code: number | undefined): void {
    this.#incoming.streams.delete(stream.id);
    if (code !== undefined) {
      this.#incoming.remember(stream.id);
      this.sender.control(frames.rstStream(stream.id, code));
    }
    this.#settle();
  }

  // RequestsOwner

  get limits(): HeadLimits {
    return this.shared.limits;
  }

  get refusesMore(): boolean {
    return this.#leaving === "last";
  }

  opened(): void {
    this.shared.deadlines.disarm(this.#idle);
  }

  peerLeaves(): void {
    this.#peerLeaves = true;
  }

  // The connection itself

  /** Looks which clocks run now, and whether the connection has had its time. */
  #settle(): void {
    if (this.#isReading || this.#isGone) return;
    const { deadlines, plan } = this.shared;
    const { streams, isWaiting } = this.#incoming;
    if (!isWaiting) deadlines.disarm(this.#head);
    else if (this.#head.queue === undefined) deadlines.arm(this.#head, plan.headMs);
    if (streams.size > 0 || this.socket.waiting > 0) return;
    if (this.#peerLeaves || this.#leaving === "last") return this.#close(false);
    if (this.#idle.queue === undefined) deadlines.arm(this.#idle, plan.keepAliveMs);
  }

  /** Nobody has asked for anything for long. */
  #goodbye(): void {
    this.sender.control(frames.goAway(this.#incoming.lastStream, faults.NO_ERROR));
    this.#leaving = "last";
    this.#settle();
  }

  /** New streams had better go elsewhere; those on their way are served (RFC 9113 section 6.8). */
  #warn(): void {
    if (this.#leaving !== "no") return;
    this.#leaving = "warned";
    this.sender.control(frames.goAway(frames.MOST, faults.NO_ERROR));
  }

  #refuseMore(): void {
    this.#leaving = "last";
    this.sender.control(frames.goAway(this.#incoming.lastStream, faults.NO_ERROR));
    this.#settle();
  }

  /** What the client says cannot be gone on with: it is told so, and all that runs is broken off. */
  #fail({ code, message }: ConnectionFault): void {
    if (this.#isGone) return;
    const error = new GatewayError("http_request_error", message);
    // Nothing else would tell the operator of it.
    if (this.#incoming.streams.size === 0) new Stream(0, this).refuseUnanswered(error);
    this.sender.control(frames.goAway(this.#incoming.lastStream, code, message));
    this.sender.uncork();
    this.#close(true, error);
  }

  /** Sends FIN and reads on for a while. What the client does not take is not waited for. */
  #close(isSending: boolean, error = new GatewayError("client_disconnect", "the client left")): void {
    if (this.socket.waiting > 0) return this.#cut(error);
    this.#leave(error);
    this.#lingering = new Lingering(this.socket, this.shared, isSending, () => this.shared.closed(this));
  }

  #cut(error: GatewayError): void {
    // First: what is lost with it was not sent.
    this.socket.destroy();
    this.#leave(error);
  }

  /** Nothing goes on. */
  #leave(error: GatewayError): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const { deadlines } = this.shared;
    for (const deadline of [this.#idle, this.#head, this.#lastCall]) deadlines.disarm(deadline);
    this.#sending.stop();
    for (const stream of [...this.#incoming.streams.values()]) stream.abort(error);
    for (const stream of this.#landing) stream.record(error);
    this.#incoming.streams.clear();
    this.#landing = [];
  }

  #full(): void {
    if (this.#isFull || this.#isGone) return;
    this.#isFull = true;
    this.#sending.start();
  }
}
