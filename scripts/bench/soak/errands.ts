// The requests of the mixed soak: chosen by chance, the same again for the same seed.
import { BEHAVIOURS, type Errand, targetOf } from "./behaviours.ts";
import type { ClientRequest, Departure } from "./client.ts";

/** A request to send and what is to be known to judge its outcome. */
export interface Trip {
  readonly errand: Errand;
  /** `steady`: its origins never fail. `mixed`: they do. `refuse`: nothing listens. */
  readonly route: "steady" | "mixed" | "refuse";
  readonly request: ClientRequest;
  /** Bytes of the request's body. */
  readonly sent: number;
  /** The client goes before it has sent all. */
  readonly cutShort: boolean;
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const LOTS = Object.entries(BEHAVIOURS).flatMap(([name, { weight }]) => Array<string>(weight).fill(name));
const FILLING = "y".repeat(8192);

/** The next trip. */
export function nextTrip(id: number, random: () => number): Trip {
  const lot = random();
  const route = lot < 0.4 ? "steady" : lot < 0.42 ? "refuse" : "mixed";
  const behaviour = route === "mixed" ? (LOTS[Math.floor(random() * LOTS.length)] ?? "ok") : "ok";
  const size = random() < 0.03 ? 65_536 : 16 + Math.floor(random() * 1000);
  const errand: Errand = { id, behaviour, size };
  const kind = random();
  const method = kind < 0.6 ? "GET" : kind < 0.95 ? "POST" : "HEAD";
  const start = `${method} ${targetOf(route, errand)} HTTP/1.1\r\nHost: gateway\r\n`;
  const body = method === "POST" ? FILLING.slice(0, Math.floor(random() ** 3 * FILLING.length)) : "";
  const bytes = method === "POST" ? start + framed(body, random) : `${start}\r\n`;
  if (random() >= 0.06) return { errand, route, sent: body.length, cutShort: false, request: { method, bytes } };
  const cutShort = body.length > 1 && random() < 0.5;
  // Who has not sent all gets no answer to wait for.
  const departure = departureOf(cutShort ? 0 : size, random);
  const request = { method, bytes: cutShort ? bytes.slice(0, -body.length / 2) : bytes, departure };
  return { errand, route, sent: body.length, cutShort, request };
}

function framed(body: string, random: () => number): string {
  if (random() < 0.8) return `Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
}

function departureOf(size: number, random: () => number): Departure {
  const reset = random() < 0.5;
  if (size > 60_000 && random() < 0.8) return { afterBytes: 10_000, reset };
  return { afterMs: Math.floor(random() * 8), reset };
}
