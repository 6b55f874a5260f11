// The schema of HTTP/2 on the listener.
import { Problem } from "../fault.ts";
import type { ListenHttp2Plan } from "../plan.ts";
import { either, options, or, then, type Shape } from "../shape.ts";
import { flag, whole } from "../values.ts";

/** Requests of one connection at a time, where the config does not say. */
const MAX_STREAMS = 128;

const bounds = options({ maxStreams: or(whole(1, 65_535), MAX_STREAMS), h2c: or(flag, false) });

/** What the config says of it. Undefined: nothing; false: it is not wanted. */
export type WrittenHttp2 = ListenHttp2Plan | false | undefined;

/** Checks the option `listen.http2`. */
export const http2Shape: Shape<ListenHttp2Plan | false> = either(
  (value) => typeof value === "boolean",
  then(flag, (wanted) => wanted && { maxStreams: MAX_STREAMS, h2c: false }),
  bounds,
);

/** The plan of `listen.http2`: over TLS it is spoken by default, without TLS where `h2c` says so. */
export function http2Plan(written: WrittenHttp2, hasTls: boolean): ListenHttp2Plan | undefined {
  if (written === false) return undefined;
  if (written === undefined) return hasTls ? { maxStreams: MAX_STREAMS, h2c: false } : undefined;
  return hasTls || written.h2c ? written : undefined;
}

/** HTTP/2 that nobody could come by. */
export function* http2Problems(written: WrittenHttp2, hasTls: boolean): Iterable<Problem> {
  if (written === undefined || written === false || hasTls || written.h2c) return;
  const hint =
    "Clients agree on HTTP/2 in the TLS handshake. { h2c: true } is for those that begin with it by themselves.";
  yield new Problem("tls beside http2, or h2c in it", { at: ["http2"], hint });
}
