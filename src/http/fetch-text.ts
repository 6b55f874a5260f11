// Fetches a small document for the gateway itself: bounded in time and size, no redirects.
import type { ClientTls, Platform } from "../platform.ts";

/** How documents are fetched. */
export interface FetchSettings {
  readonly platform: Platform;
  readonly tls: ((host: string) => ClientTls) | undefined;
}

/** A document could not be had. The message is for the operator. */
export class FetchFailure extends Error {
  override readonly name = "FetchFailure";
  /** Status of the answer, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** Most bytes of a document. */
const MOST_BYTES = 512 * 1024;

/**
 * The text of a document. Only an answer of status 200 counts: a redirect is none.
 * @throws FetchFailure
 */
export async function fetchText({ platform, tls }: FetchSettings, url: string, signal: AbortSignal): Promise<string> {
  const request = new Request(url, {
    headers: { accept: "application/json", "accept-encoding": "identity", "user-agent": "sluice" },
    redirect: "manual",
    signal,
  });
  const { protocol, hostname } = new URL(url);
  const over = { http2: false, tls: protocol === "https:" ? tls?.(hostname.replace(/^\[|\]$/g, "")) : undefined };
  let response: Response;
  try {
    response = await platform.fetch(request, over);
  } catch (thrown) {
    throw new FetchFailure(`${url}: ${reasonOf(thrown)}`);
  }
  if (response.status !== 200) {
    void response.body?.cancel().catch(() => undefined);
    throw new FetchFailure(`${url}: it answered ${response.status}`, response.status);
  }
  try {
    return await boundedText(response);
  } catch (thrown) {
    throw thrown instanceof FetchFailure ? thrown : new FetchFailure(`${url}: ${reasonOf(thrown)}`);
  }
}

/** The content of an answer as text: UTF-8, not encoded otherwise, and of so many bytes at most. Rejects with the reason. */
export async function boundedText(response: Response, most = MOST_BYTES): Promise<string> {
  const coding = response.headers.get("content-encoding") ?? "identity";
  if (coding !== "identity") throw new Error(`it is encoded as ${coding.slice(0, 20)}, which was not asked for`);
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > most) {
      void reader.cancel().catch(() => undefined);
      throw new Error(`it is longer than ${most} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** What the runtime says to those who call its fetch, and operators cannot do. */
const ADVICE =
  /(?:^|[.:]? )(?:Was there a typo in the url or port\?|Is the computer able to access the url\?|For more information, pass `verbose: true` .*)$/;

/** What was thrown, for the operator. */
export function reasonOf(thrown: unknown): string {
  const { code, message } = Object(thrown) as { code?: unknown; message?: unknown };
  const text = (typeof message === "string" ? message : String(thrown)).replace(ADVICE, "");
  if (typeof code !== "string" || text.includes(code)) return text;
  return text === "" ? code : `${code}: ${text}`;
}

/**
 * Runs something that must be done in time. At the end of it, or when `closing` is aborted, its signal is aborted, and the
 * result is a rejection even if what runs never settles.
 */
export function inTime<T>(
  platform: Platform,
  ms: number,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const end = (reason: FetchFailure): void => {
      over();
      reject(reason);
      stop.abort(reason);
    };
    const close = (): void => end(new FetchFailure("the gateway closes"));
    const timer = platform.setTimer(() => end(new FetchFailure(`no answer within ${ms} ms`)), ms);
    const over = (): void => {
      platform.clearTimer(timer);
      closing.removeEventListener("abort", close);
    };
    closing.addEventListener("abort", close);
    work(stop.signal).then(resolve, reject).finally(over);
  });
}
