// A tunnel: after 101 the two sockets are joined byte by byte, each at the pace of the other (RFC 9110 section 7.8).
import type { Tunnel } from "../answer.ts";
import type { RoutePlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Socket, SocketError, SocketHandler } from "../platform.ts";
import { Deadline } from "../http/deadlines.ts";
import { FrameEdge } from "../http/frame-edge.ts";
import type { Shared, Stays, Successor } from "./shared.ts";

/** Once one side has ended, the other may take so long to read what is left and to end too. */
const CLOSING_MS = 1000;

/** A close frame with 1012, "service restart" (RFC 6455 section 5.5.1; the code is in IANA's registry). */
const GO_AWAY = Uint8Array.of(0x88, 2, 0x03, 0xf4);

/** Told once, when both sides are closed. */
type Closed = (error: GatewayError | undefined, bytesIn: number, bytesOut: number) => void;

/**
 * Sends the 101, then joins client and upstream until either closes.
 * @param early bytes the client sent behind its request
 */
export function joinTunnel(client: Socket, x: Exchange, early: Uint8Array, shared: Shared, closed: Closed): Successor {
  const { reason, fields } = x.answer!;
  let head = `HTTP/1.1 101 ${reason ?? "Switching Protocols"}\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  const joined = new JoinedTunnel(client, x, shared, closed);
  joined.begin(`${head}\r\n`, early);
  return joined;
}

/** Two sockets that are joined. Nothing is changed in between: frames, pings and close codes pass as they are (cases GW-28, GW-29). */
class JoinedTunnel implements Successor {
  readonly #client: Socket;
  readonly #tunnel: Tunnel;
  readonly #route: RoutePlan;
  readonly #shared: Shared;
  readonly #told: Closed;
  /** Where frames end is known only to who has followed them from the first on. */
  readonly #edge: FrameEdge | undefined;
  /** Both sides have had their time: what waits still goes out, for as long as the peer takes it. */
  readonly #closing = new Deadline(() => this.#close());
  readonly #stuck = new Deadline(() => this.#destroy());
  /** Sides that are open. */
  #open = 2;
  #failure: GatewayError | undefined = undefined;
  readonly #bytes = { in: 0, out: 0 };
  /** The client is told to come again, as soon as a frame has ended. */
  #isLeaving = false;

  constructor(client: Socket, { answer, route }: Exchange, shared: Shared, told: Closed) {
    const { tunnel, fields } = answer!;
    this.#client = client;
    this.#tunnel = tunnel!;
    this.#route = route!;
    this.#shared = shared;
    this.#told = told;
    if (fields.get("upgrade")?.toLowerCase() === "websocket") this.#edge = new FrameEdge();
  }

  /** @param head of the answer @param early bytes the client sent behind its request */
  begin(head: string, early: Uint8Array): void {
    const client = this.#client;
    const { upstream, early: behind } = this.#tunnel;
    this.#edge?.pass(behind);
    client.handler = this.#side(client, upstream, "in");
    upstream.handler = this.#side(upstream, client, "out");
    this.#bytes.in += early.length;
    this.#bytes.out += behind.length;
    if (client.writeText(head, behind)) upstream.resume();
    else upstream.pause();
    if (early.length > 0 && !upstream.write(early)) client.pause();
    else client.resume();
    const { gone } = this.#tunnel;
    if (gone !== undefined) upstream.handler.closed(gone.error);
    // Its route may have gone while the upstream was asked.
    this.reroute(this.#shared.stays);
  }

  cut(error: GatewayError): void {
    this.#failure ??= error;
    this.#destroy();
  }

  reroute(stays: Stays): void {
    if (stays(this.#route)) return;
    this.#failure ??= new GatewayError("route_not_found", "the route is gone");
    if (this.#edge === undefined) return this.#destroy();
    if (this.#edge.isHere) return this.#goAway();
    this.#isLeaving = true;
    this.#shared.deadlines.arm(this.#stuck, CLOSING_MS);
  }

  #side(from: Socket, to: Socket, count: "in" | "out"): SocketHandler {
    return {
      data: (piece) => {
        this.#bytes[count] += piece.length;
        if (count === "out") this.#edge?.pass(piece);
        if (!to.write(piece)) from.pause();
        if (this.#isLeaving && this.#edge!.isHere) this.#goAway();
      },
      drained: () => to.resume(),
      ended: () => {
        to.end();
        this.#shared.deadlines.arm(this.#closing, CLOSING_MS);
      },
      closed: (error?: SocketError) => {
        if (error !== undefined) this.#failure ??= brokenBy(count, error);
        // A side that is gone can take nothing: what came from it before still goes out, then the other closes too.
        if (error === undefined) to.end();
        else to.destroy();
        this.#closed();
      },
    };
  }

  /** Tells a client between two frames that it may come again. */
  #goAway(): void {
    this.#isLeaving = false;
    this.#shared.deadlines.disarm(this.#stuck);
    this.#bytes.out += GO_AWAY.length;
    this.#client.write(GO_AWAY);
    this.#client.end();
    this.#tunnel.upstream.destroy();
  }

  #close(): void {
    this.#client.close();
    this.#tunnel.upstream.close();
    if (this.#open > 0) this.#shared.deadlines.arm(this.#stuck, this.#shared.plan.sendMs);
  }

  #destroy(): void {
    this.#client.destroy();
    this.#tunnel.upstream.destroy();
    this.#over();
  }

  /** One side is closed. */
  #closed(): void {
    if (this.#open === 1) this.#over();
    else if (this.#open === 2) {
      this.#open = 1;
      this.#shared.deadlines.arm(this.#closing, CLOSING_MS);
    }
  }

  #over(): void {
    if (this.#open === 0) return;
    this.#open = 0;
    this.#shared.deadlines.disarm(this.#closing);
    this.#shared.deadlines.disarm(this.#stuck);
    const bytesIn = this.#bytes.in;
    const bytesOut = Math.max(0, this.#bytes.out - this.#client.lost);
    this.#tunnel.closed(bytesIn, bytesOut);
    this.#told(this.#failure, bytesIn, bytesOut);
  }
}

function brokenBy(count: "in" | "out", error: SocketError): GatewayError {
  return count === "in"
    ? new GatewayError("client_disconnect", `the client broke the tunnel: ${error.code}`)
    : new GatewayError("connection_terminated", `the upstream broke the tunnel: ${error.code}`);
}
