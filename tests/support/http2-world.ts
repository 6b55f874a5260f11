// A gateway in the fake world that speaks HTTP/2 without TLS, and a client of it that writes frames by hand.
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "./fake-world.ts";
import { ACK, type Frame, PREFACE, type Said, type StreamAnswer, frame, readSaid, settings } from "./http2-frames.ts";

/** Options of a gateway that speaks HTTP/2 on its plain port, in front of a.test. */
export function overHttp2(
  listen: Partial<NonNullable<GatewayOptions["listen"]>> = {},
  more: Partial<GatewayOptions> = {},
  upstream: Partial<NonNullable<GatewayOptions["upstreams"]>[string]> = {},
): GatewayOptions {
  return toUpstream(upstream, { listen: { http2: { h2c: true }, ...listen }, ...more });
}

/** A client of HTTP/2. */
export class Http2Client {
  readonly peer: FakeClient;
  readonly #world: World;

  /** Has said what clients say first, unless it is told not to. */
  constructor(world: World, first: string = PREFACE + settings()) {
    this.#world = world;
    this.peer = world.client();
    if (first !== "") this.send(first);
  }

  /** Sends frames, in one piece, and lets happen what follows of it. */
  send(...frames: readonly string[]): void {
    this.peer.send(frames.join(""));
    this.#world.settle();
  }

  get said(): Said {
    return readSaid(this.peer.received);
  }

  /** Frames of one type. */
  frames(type: Frame["type"], stream?: number): Frame[] {
    return this.said.frames.filter((each) => each.type === type && (stream === undefined || each.stream === stream));
  }

  /** What has come on a stream. */
  answer(stream = 1): StreamAnswer {
    const answer = this.said.answers.get(stream);
    if (answer === undefined) throw new Error(`nothing on stream ${stream}: ${JSON.stringify(this.peer.received)}`);
    return answer;
  }

  /** Code of the only GOAWAY; undefined without one. */
  get goAway(): number | undefined {
    return this.said.goAways.at(-1)?.code;
  }

  /** Says that the gateway's settings hold. */
  ack(): void {
    this.send(frame("SETTINGS", ACK, 0));
  }
}

/** Runs a test with a client in a world of its own. */
export function inHttp2(
  story: (client: Http2Client, world: World) => void,
  options: GatewayOptions = overHttp2(),
): void {
  inWorld(options, (world) => story(new Http2Client(world), world));
}
