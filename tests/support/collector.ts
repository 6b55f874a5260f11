// A collector on loopback: it takes what the schema of OTLP has, and fails as collectors do.
import { type ReadMetric, type ReadRequest, type ReadSpan, readRequest } from "./otlp-schema.ts";

/** What it does with a request: takes it, answers with a status, or says nothing at all. */
export type Mood = "take" | "hang" | number;

/** A running collector. */
export interface Collector {
  readonly url: string;
  readonly port: number;
  mood: Mood;
  /** What it has taken. */
  readonly taken: ReadRequest[];
  /** Requests that came, taken or not. */
  readonly asked: number;
  /** The fields of each that came. */
  readonly fields: readonly Headers[];
  /** What was wrong with requests. */
  readonly faults: string[];
  readonly spans: readonly ReadSpan[];
  /** The last push. */
  readonly metrics: readonly ReadMetric[];
  stop(): Promise<void>;
}

/** Starts one. @param port 0 lets the system choose */
export function startCollector(port = 0): Collector {
  const taken: ReadRequest[] = [];
  const faults: string[] = [];
  const fields: Headers[] = [];
  let asked = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 255,
    async fetch(request) {
      asked++;
      fields.push(new Headers(request.headers));
      if (collector.mood === "hang") return new Promise<Response>(() => undefined);
      const bytes = new Uint8Array(await request.arrayBuffer());
      if (collector.mood !== "take") return new Response("", { status: collector.mood });
      try {
        const plain = request.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(bytes) : bytes;
        taken.push(readRequest(new URL(request.url).pathname, new TextDecoder().decode(plain)));
        return Response.json({});
      } catch (fault) {
        faults.push(String(fault));
        return new Response("", { status: 400 });
      }
    },
  });
  const collector: Collector = {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port!,
    mood: "take",
    taken,
    faults,
    fields,
    get asked() {
      return asked;
    },
    get spans() {
      return taken.flatMap(({ spans }) => spans);
    },
    get metrics() {
      return taken.findLast(({ metrics }) => metrics.length > 0)?.metrics ?? [];
    },
    stop: () => server.stop(true),
  };
  return collector;
}
