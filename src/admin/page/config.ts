// The config that runs, and when it was loaded.
import type { Load } from "../live/tick.ts";
import { byId, setText, Table } from "./elements.ts";
import { ask } from "./stream.ts";

/** Shows it anew whenever it was loaded, or could not be. */
export class Config {
  readonly #loads = new Table("The last loads of the config, the newest first", [
    { title: "When" },
    { title: "came to" },
    { title: "config" },
    { title: "what was told" },
  ]);
  #shown = -1;

  constructor() {
    byId("loads").append(this.#loads.element);
  }

  /** @param lastLoad see Tick */
  async show(lastLoad: number): Promise<void> {
    if (lastLoad === this.#shown) return;
    this.#shown = lastLoad;
    try {
      const { plan, loads } = (await (await ask("/config")).json()) as { plan: object; loads: readonly Load[] };
      setText(byId("plan"), JSON.stringify(plan, undefined, 2));
      this.#loads.show(
        loads.toReversed().map(({ at, ok, message, hash = "" }) => ({
          key: `${at} ${message}`,
          cells: [
            new Date(at).toLocaleString(),
            ok ? { text: "runs", tone: "good" } : { text: "refused", tone: "bad" },
            hash.slice(0, 12) || "–",
            message,
          ],
        })),
      );
    } catch {
      // The next tick asks again.
      this.#shown = -1;
    }
  }
}
