// The gateway's events, and its answers, for whoever has the token. The token is never part of a URL.

const TOKEN = "sluice.token";

/** What becomes of the stream. */
export interface StreamEvents {
  /** An event has come. */
  event(data: string): void;
  /** It is open. */
  opened(): void;
  /** It has ended; it is tried again after so many milliseconds. */
  lost(againMs: number): void;
  /** The listener takes no token, or another one. */
  refused(hadToken: boolean): void;
}

/** A refusal for want of the right token. */
class TokenRefused extends Error {}

/** Keeps the token until the tab is closed. */
export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Whether there is a token to show. */
export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Asks the listener. @throws TokenRefused, or an Error that says what came instead */
export async function ask(path: string, signal?: AbortSignal): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN);
  const response = await fetch(path, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    cache: "no-store",
    ...(signal && { signal }),
  });
  if (response.status === 401) {
    sessionStorage.removeItem(TOKEN);
    throw new TokenRefused(token === null ? "" : "This is not the token.");
  }
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

/** Follows the events, again and again, until the signal ends it or the token is refused. */
export async function follow(events: StreamEvents, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const { body } = await ask("/live/events", signal);
      events.opened();
      failures = 0;
      await read(body!, events.event);
    } catch (thrown) {
      if (thrown instanceof TokenRefused) return events.refused(thrown.message !== "");
    }
    if (signal.aborted) return;
    const againMs = Math.min(10_000, 500 * 2 ** failures++);
    events.lost(againMs);
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

/** Reads events (WHATWG HTML section 9.2.6, as far as this listener writes them). */
async function read(body: ReadableStream<Uint8Array>, event: (data: string) => void): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop()!;
    for (const each of events) {
      const data = /^data: (.*)$/m.exec(each)?.[1];
      if (data === undefined) continue;
      try {
        event(data);
      } catch (thrown) {
        // It is the page's own fault, and no reason to ask the gateway anew.
        reportError(thrown);
      }
    }
  }
}
