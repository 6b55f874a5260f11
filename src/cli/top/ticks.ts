// The ticks of a running gateway, as its admin listener pushes them: server-sent events of one line each.
import type { Tick } from "../../admin/live/tick.ts";
import { type AdminPlace, unreachable } from "../admin-place.ts";
import { EXIT, Refusal } from "../exit.ts";

/** So long may it take from one tick to the next: one comes every second. */
const PATIENCE_MS = 10_000;

const DATA = "data: ";

/** Ticks for as long as they come. @throws Refusal when nobody answers there, or no more come */
export async function* ticksOf({ name, url, how }: AdminPlace, end: AbortSignal): AsyncGenerator<Tick> {
  const late = new AbortController();
  const giveUp = (): void => late.abort(new Error(`nothing came for ${PATIENCE_MS / 1000} s`));
  let timer = setTimeout(giveUp, PATIENCE_MS);
  try {
    const signal = AbortSignal.any([late.signal, end]);
    const response = await fetch(`${url}/live/events`, { ...how, signal });
    if (response.status !== 200 || response.body === null) {
      const detail = response.status === 401 ? "it wants another token" : `it answers with ${response.status}`;
      throw new Refusal(EXIT.unavailable, `What answers at ${name} tells nothing: ${detail}.`);
    }
    let rest = "";
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith(DATA)) continue;
        clearTimeout(timer);
        timer = setTimeout(giveUp, PATIENCE_MS);
        yield JSON.parse(line.slice(DATA.length)) as Tick;
      }
    }
    throw new Error("it has ended");
  } catch (thrown) {
    if (thrown instanceof Refusal || end.aborted) throw thrown;
    throw unreachable(name, thrown);
  } finally {
    clearTimeout(timer);
  }
}
