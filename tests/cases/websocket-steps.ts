// The two ends of a WebSocket as the cases of cases.json need them.
import { BytesEnded } from "../support/byte-reader.ts";
import { DeadlinePassed } from "../support/deadline.ts";
import type { RawClient } from "../support/raw-client.ts";
import type { Behaviour, OriginExchange } from "../support/origin-exchange.ts";
import { closeOf, FrameEnd, OPCODE, upgradeAnswer, upgradeRequest } from "../support/websocket-frames.ts";

/** How one end of a WebSocket saw it end. */
export interface ObservedEnd {
  close_code: number | null;
  close_reason: string | null;
  close_reason_bytes: number | null;
  close_frame_payload_bytes: number | null;
  /** The code on the wire; null when no close frame with one came. */
  wire_close_code: number | null;
  /** Milliseconds to the end of TCP; null when it did not come. */
  t_closed_ms: number | null;
}

/** Nothing seen yet. */
export function nothingSeen(): ObservedEnd {
  return {
    close_code: null,
    close_reason: null,
    close_reason_bytes: null,
    close_frame_payload_bytes: null,
    wire_close_code: null,
    t_closed_ms: null,
  };
}

/**
 * Reads frames to the end of TCP. A close frame is echoed once, unless one was sent before. `finish`: called when both
 * close frames have passed; a server ends TCP then (RFC 6455 section 7.1.1), a client waits.
 */
async function readToEnd(
  end: FrameEnd,
  seen: ObservedEnd,
  since: number,
  options: { sentClose: boolean; timeoutMs: number; finish?: () => void },
): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  try {
    for (;;) {
      const next = await end.next(Math.max(1, deadline - performance.now()));
      if (next === undefined) break;
      if (next.opcode !== OPCODE.close) continue;
      const { code, reason } = closeOf(next.payload);
      seen.close_code = seen.wire_close_code = code;
      seen.close_reason = reason;
      seen.close_reason_bytes = Buffer.byteLength(reason);
      seen.close_frame_payload_bytes = next.payload.length;
      if (!options.sentClose) await end.send(OPCODE.close, next.payload);
      options.finish?.();
    }
  } catch (failure) {
    if (failure instanceof DeadlinePassed) return;
    if (!(failure instanceof BytesEnded)) throw failure;
  }
  seen.t_closed_ms = performance.now() - since;
}

/** The origin of GW-28: accepts, waits for the first text, then does what the variant says. */
export function closingOrigin(action: string, seen: ObservedEnd): Behaviour {
  return async (x) => {
    const end = await accept(x);
    const first = await end.next(3000);
    if (first?.opcode !== OPCODE.text) throw new Error("the origin's first frame is no text");
    const since = performance.now();
    let sentClose = true;
    const code = /^close frame (\d{4}) (?:"(.*)"|with a 123-byte UTF-8 reason)$/.exec(action);
    if (action === "nothing") sentClose = false;
    else await x.wait(200);
    if (code !== null) await end.sendClose(Number(code[1]), code[2] ?? `${"ø".repeat(61)}x`);
    else if (action === "close frame with no payload") await end.sendClose();
    else if (action === "RST with no close frame") x.reset();
    else if (action !== "nothing") throw new Error(`unknown action of the origin: ${action}`);
    await readToEnd(end, seen, since, { sentClose, timeoutMs: 10_000, finish: () => x.finish() });
    x.finish();
  };
}

/** Answers an upgrade request with 101. */
export async function accept(x: OriginExchange, fields = ""): Promise<FrameEnd> {
  x.takeOver();
  await x.send(upgradeAnswer(x.request.fields.one("sec-websocket-key") ?? "", fields));
  return new FrameEnd(x, "server");
}

/** Asks for a WebSocket and demands that it is granted. */
export async function openWebSocket(client: RawClient, path: string, fields = ""): Promise<FrameEnd> {
  await client.send(upgradeRequest(path, fields));
  const response = await client.receive();
  if (response.status !== 101) throw new Error(`the upgrade was answered with ${response.status}`);
  return new FrameEnd(client, "client");
}

/** The client's last step: reads until TCP has ended, and closes. */
export async function readUntilClosed(
  client: RawClient,
  end: FrameEnd,
  since: number,
  sentClose: boolean,
  timeoutMs: number,
): Promise<ObservedEnd> {
  const seen = nothingSeen();
  await readToEnd(end, seen, since, { sentClose, timeoutMs });
  client.close();
  return seen;
}
