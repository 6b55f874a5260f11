// The listener: accepts connections, knows those that are open, and lets them go when the gateway drains.
import type { ListenTlsPlan } from "../config/listen/plan.ts";
import type { ListenPlan } from "../config/plan.ts";
import type { Way } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { type HeadLimits, MAX_FIELDS } from "../http/message.ts";
import type { Tally } from "../http/tally.ts";
import type { Issued } from "../issued.ts";
import type { ListeningSocket, Platform, ServerTls, Socket } from "../platform.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { Connection } from "./connection.ts";
import { Handshake } from "./handshake.ts";
import { Http2Connection } from "./http2/connection.ts";
import { Greeting } from "./http2/greeting.ts";
import { serverTls } from "./server-tls.ts";
import type { Guest, Shared, Stays } from "./shared.ts";

/** How often the operator is told of the same thing. */
const NOTICE_EVERY_MS = 10_000;

/** An open listener. */
export class Listener implements Shared {
  readonly way: Way;
  plan: ListenPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  limits: HeadLimits;
  stays: Stays = () => true;
  leaving = false;
  #stopped = false;
  readonly #open = new Set<Guest>();
  /** Those whose client has shown a certificate. */
  readonly #certified = new Set<Guest>();
  readonly #tally: Tally;
  readonly #socket: ListeningSocket;
  readonly #issued: Issued | undefined;
  readonly #unfollow: (() => void) | undefined;
  #files: CertificateFiles | undefined = undefined;
  #quietUntil = 0;
  #second = -1;
  #date = "";
  readonly #empty = Promise.withResolvers<void>();

  /**
   * Opens the listening socket.
   * @param tally of all connections of the gateway
   * @param issued certificates that come while it listens, where there are any
   * @throws SocketError (EADDRINUSE, EACCES, …)
   */
  constructor(plan: ListenPlan, way: Way, tally: Tally, platform: Platform, deadlines: Deadlines, issued?: Issued) {
    this.way = way;
    this.plan = plan;
    this.platform = platform;
    this.deadlines = deadlines;
    this.#tally = tally;
    this.#issued = issued;
    this.limits = headLimits(plan);
    this.#socket = platform.listen!({
      host: plan.host,
      port: plan.port,
      path: plan.socket,
      accept: (socket) => {
        // Over the bound a connection is refused by closing it: a queue would only make the flood wait.
        if (this.#stopped) socket.destroy();
        else if (this.#tally.add(this.plan.maxConnections)) this.#open.add(this.#guestOf(socket));
        else this.#turnAway(socket);
      },
      tls: plan.tls && this.#tlsOf(plan, plan.tls),
    });
    this.#watch();
    this.#unfollow = plan.tls && issued?.follow(() => this.#renewal(this.plan)?.());
  }

  /** Certificates whose files change are shown without a reload. */
  #watch(): void {
    this.#files?.close();
    const { tls } = this.plan;
    if (tls === undefined || this.#socket.renewal === undefined) return;
    this.#files = new CertificateFiles(tls, this.platform, (tls) => this.bound({ ...this.plan, tls })());
  }

  #tlsOf({ http2 }: ListenPlan, tls: ListenTlsPlan): ServerTls {
    return serverTls(tls, http2 !== undefined, this.platform, this.#issued?.state);
  }

  /** Makes ready what a plan says of TLS, and what was issued meanwhile. */
  #renewal(plan: ListenPlan): (() => void) | undefined {
    return plan.tls && this.#socket.renewal?.(this.#tlsOf(plan, plan.tls));
  }

  #guestOf(socket: Socket): Guest {
    if (socket.secure) {
      return new Handshake(socket, this, (handshake) => this.#follow(handshake, socket, socket.protocol === "h2"));
    }
    if (this.plan.http2?.h2c !== true) return new Connection(socket, this);
    return new Greeting(socket, this, (greeting, isHttp2) => this.#follow(greeting, socket, isHttp2));
  }

  /** The connection of a guest that was only at the door. */
  #follow(guest: Guest, socket: Socket, isHttp2: boolean): void {
    // What was agreed on holds, whatever a reload has said meanwhile.
    const maxStreams = this.plan.http2?.maxStreams ?? 1;
    const connection = isHttp2 ? new Http2Connection(socket, this, maxStreams) : new Connection(socket, this);
    this.#open.delete(guest);
    this.#open.add(connection);
    if (socket.clientCertificate !== undefined) this.#certified.add(connection);
    if (this.#stopped) connection.drain();
  }

  #turnAway(socket: Socket): void {
    socket.destroy();
    const now = this.platform.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + NOTICE_EVERY_MS;
    const most = `${this.plan.maxConnections} connections are open, the most that listen.maxConnections allows`;
    this.platform.notice("warn", `${most}: new ones are closed at once (${this.#tally.refused} since the start)`);
  }

  /** Where it listens. */
  get address(): { host: string; port: number } {
    return { host: this.#socket.host, port: this.#socket.port };
  }

  /** The certificates that are shown, as far as they can be read. */
  get certificates(): readonly { readonly name: string; readonly notAfter: number }[] {
    const own = this.plan.tls?.certificates ?? [];
    return [
      ...own.flatMap(({ facts, names }, i) =>
        facts === undefined
          ? []
          : [{ name: (names ?? facts.names)[0] ?? `certificates.${i}`, notAfter: facts.notAfter }],
      ),
      ...(this.plan.tls?.acme === undefined ? [] : (this.#issued?.state.certificates ?? [])).map(
        ({ names, notAfter }) => ({ name: names[0]!, notAfter }),
      ),
    ];
  }

  /** Connections open now, tunnels included. */
  get connections(): number {
    return this.#open.size;
  }

  /**
   * Makes ready what another plan says of the same address. What it gives lets that hold: certificates for handshakes to
   * come, bounds of heads for connections to come, all else at once. Connections whose client's certificate was judged by
   * other authorities end after their answer. @throws Error for what TLS cannot be made of
   */
  bound(plan: ListenPlan): () => void {
    const renew = this.#renewal(plan);
    return () => {
      renew?.();
      const before = this.plan.tls?.clients;
      const { clients } = plan.tls ?? {};
      if (before?.ca !== clients?.ca || before?.crl !== clients?.crl) {
        for (const guest of [...this.#certified]) guest.drain();
      }
      this.plan = plan;
      this.limits = headLimits(plan);
      this.#watch();
    };
  }

  /** Other routes hold from now on. */
  reroute(stays: Stays): void {
    this.stays = stays;
    for (const connection of [...this.#open]) connection.reroute(stays);
  }

  /** Accepts no more and lets exchanges and tunnels finish; resolves once all are closed and recorded. */
  drain(): Promise<void> {
    this.#stop();
    for (const connection of [...this.#open]) connection.drain();
    if (this.#open.size === 0) this.#empty.resolve();
    return this.#empty.promise;
  }

  /** Closes everything at once; gives how many connections that were. */
  cut(): number {
    this.#stop();
    const open = [...this.#open];
    for (const connection of open) connection.cut();
    return open.length;
  }

  #stop(): void {
    this.leaving = true;
    this.#stopped = true;
    this.#files?.close();
    this.#unfollow?.();
    this.#socket.stop();
  }

  date(): string {
    const now = this.platform.wallClock();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = new Date(now).toUTCString();
    }
    return this.#date;
  }

  closed(guest: Guest): void {
    this.#certified.delete(guest);
    if (this.#open.delete(guest)) this.#tally.remove();
    if (this.#stopped && this.#open.size === 0) this.#empty.resolve();
  }
}

/** The bounds of a request's head. */
export function headLimits({ maxTarget, maxHead }: ListenPlan): HeadLimits {
  return { maxTarget, maxHead, maxFields: MAX_FIELDS };
}
