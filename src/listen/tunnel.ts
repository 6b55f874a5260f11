// A tunnel: after 101 the two sockets are joined byte by byte, each at the pace of the other (RFC 9110 section 7.8).
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Socket, SocketError, SocketHandler } from "../platform.ts";
import { Deadline } from "../http/deadlines.ts";
import { FrameEdge } from "../http/frame-edge.ts";
import type { Shared, Successor } from "./shared.ts";

/** Once one side has ended, the other may take so long to read what is left and to end too. */
const CLOSING_MS = 1000;

/** A close frame with 1012, "service restart" (RFC 6455 section 5.5.1; the code is in IANA's registry). */
const GO_AWAY = Uint8Array.of(0x88, 2, 0x03, 0xf4);

/** Told once, when both sides are closed. */
type Closed = (error: GatewayError | undefined, bytesIn: number, bytesOut: number) => void;

/**
 * Sends the 101, then joins client and upstream until either closes. Nothing is changed in it: frames, pings and close
 * codes pass as they are (cases GW-28, GW-29).
 * @param early bytes the client sent behind its request
 */
export function joinTunnel(
  client: Socket,
  { answer, route }: Exchange,
  early: Uint8Array,
  shared: Shared,
  closed: Closed,
): Successor {
  const { tunnel, reason, fields } = answer!;
  let head = `HTTP/1.1 101 ${reason ?? "Switching Protocols"}\r\n`;
  for (const [name, value] of fields) head += `${name}: ${value}\r\n`;
  const { upstream, early: behind } = tunnel!;
  let open = 2;
  let failure: GatewayError | undefined;
  const bytes = { in: 0, out: 0 };
  const over = (): void => {
    if (open === 0) return;
    open = 0;
    shared.deadlines.disarm(closing);
    shared.deadlines.disarm(stuck);
    tunnel!.closed(bytes.in, bytes.out);
    closed(failure, bytes.in, bytes.out);
  };
  const cut = (): void => {
    client.destroy();
    upstream.destroy();
    over();
  };
  /** Both sides have had their time: what waits still goes out, for as long as the peer takes it. */
  const closing = new Deadline(() => {
    client.close();
    upstream.close();
    if (open > 0) shared.deadlines.arm(stuck, shared.plan.sendMs);
  });
  const stuck = new Deadline(cut);
  // Where frames end is known only to who has followed them from the first on.
  const edge = fields.get("upgrade")?.toLowerCase() === "websocket" ? new FrameEdge() : undefined;
  edge?.pass(behind);
  let isLeaving = false;
  /** Tells a client between two frames that it may come again. */
  const goAway = (): void => {
    isLeaving = false;
    shared.deadlines.disarm(stuck);
    bytes.out += GO_AWAY.length;
    client.write(GO_AWAY);
    client.end();
    upstream.destroy();
  };
  const side = (from: Socket, to: Socket, count: "in" | "out"): SocketHandler => ({
    data(piece) {
      bytes[count] += piece.length;
      if (count === "out") edge?.pass(piece);
      if (!to.write(piece)) from.pause();
      if (isLeaving && edge!.isHere) goAway();
    },
    drained: () => to.resume(),
    ended() {
      to.end();
      shared.deadlines.arm(closing, CLOSING_MS);
    },
    closed(error?: SocketError) {
      if (error !== undefined) failure ??= brokenBy(count, error);
      // A side that is gone can take nothing: what came from it before still goes out, then the other closes too.
      if (error === undefined) to.end();
      else to.destroy();
      if (open === 1) over();
      else if (open === 2) {
        open = 1;
        shared.deadlines.arm(closing, CLOSING_MS);
      }
    },
  });
  client.handler = side(client, upstream, "in");
  upstream.handler = side(upstream, client, "out");
  bytes.in += early.length;
  bytes.out += behind.length;
  if (client.writeText(`${head}\r\n`, behind)) upstream.resume();
  else upstream.pause();
  if (early.length > 0 && !upstream.write(early)) client.pause();
  else client.resume();
  if (tunnel!.gone !== undefined) upstream.handler.closed(tunnel!.gone.error);
  const tunnelled: Successor = {
    cut(error) {
      failure ??= error;
      cut();
    },
    reroute(stays) {
      if (stays(route!)) return;
      failure ??= new GatewayError("route_not_found", "the route is gone");
      if (edge === undefined) return cut();
      if (edge.isHere) return goAway();
      isLeaving = true;
      shared.deadlines.arm(stuck, CLOSING_MS);
    },
  };
  // Its route may have gone while the upstream was asked.
  tunnelled.reroute(shared.stays);
  return tunnelled;
}

function brokenBy(count: "in" | "out", error: SocketError): GatewayError {
  return count === "in"
    ? new GatewayError("client_disconnect", `the client broke the tunnel: ${error.code}`)
    : new GatewayError("connection_terminated", `the upstream broke the tunnel: ${error.code}`);
}
