// A collector in the fake world: it answers the runtime's fetch, and takes only what the schema of OTLP has.
import type { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { type ReadMetric, type ReadRequest, type ReadSpan, readRequest } from "./otlp-schema.ts";

/** One request that came. */
interface Received {
  readonly url: string;
  readonly headers: Headers;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly read: ReadRequest;
}

/** Takes the place of the network that fetch sees. */
export class FakeCollector {
  readonly received: Received[] = [];
  /** What it answers; a test may put its own here. Never: it hangs. */
  answer: () => Response | Promise<Response> = () => Response.json({});
  readonly #platform: FakePlatform;

  constructor(platform: FakePlatform) {
    this.#platform = platform;
    platform.fetch = (request) => this.#take(request);
  }

  /** All spans that came, in order. */
  get spans(): readonly ReadSpan[] {
    return this.received.flatMap(({ read }) => read.spans);
  }

  /** The metrics of the last push. */
  get metrics(): readonly ReadMetric[] {
    return this.received.findLast(({ read }) => read.metrics.length > 0)?.read.metrics ?? [];
  }

  async #take(request: Request): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const plain = request.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(bytes) : bytes;
    const read = readRequest(new URL(request.url).pathname, new TextDecoder().decode(plain));
    this.received.push({ url: request.url, headers: request.headers, at: this.#platform.now(), read });
    return new Promise((resolve, reject) => {
      request.signal.addEventListener("abort", () => reject(new Error("aborted")));
      void Promise.resolve(this.answer()).then(resolve, reject);
    });
  }
}

/** An answer that never comes. */
export const NEVER = (): Promise<Response> => new Promise(() => undefined);
