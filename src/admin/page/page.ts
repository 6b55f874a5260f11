// The live page: asks for the token where there is one, follows the gateway's events, and shows them.
import { History } from "../live/history.ts";
import type { Tick } from "../live/tick.ts";
import { Charts } from "./charts.ts";
import { Config } from "./config.ts";
import { byId, controlById, setAttribute, setText } from "./elements.ts";
import { Exchanges } from "./exchanges.ts";
import { Sections } from "./sections.ts";
import { follow, hasToken, keepToken } from "./stream.ts";

/** What is shown of the gateway. */
class Page {
  readonly #history = new History();
  readonly #content = byId("content");
  readonly #pause = controlById("pause", HTMLButtonElement);
  readonly #sections = new Sections();
  readonly #exchanges = new Exchanges();
  readonly #config = new Config();
  /** A chart needs to know how wide its place is: it is made once that is shown. */
  #charts: Charts | undefined = undefined;
  #isPaused = false;
  #state = "";

  constructor() {
    this.#pause.addEventListener("click", () => {
      this.#isPaused = !this.#isPaused;
      setAttribute(this.#pause, "aria-pressed", String(this.#isPaused));
      this.#tell(this.#state);
      this.#show();
    });
  }

  start(): void {
    const { signal } = new AbortController();
    void follow(
      {
        event: (data) => this.#add(JSON.parse(data) as Tick),
        opened: () => this.#tell("live"),
        lost: (againMs) => this.#tell(`no answer: asking again in ${Math.ceil(againMs / 1000)} s`),
        refused: (hadToken) => login(hadToken ? "This is not the token." : ""),
      },
      signal,
    );
  }

  #add(tick: Tick): void {
    this.#history.add(tick);
    this.#content.hidden = false;
    this.#pause.disabled = false;
    this.#charts ??= new Charts(byId("charts"));
    this.#show();
  }

  #show(): void {
    const tick = this.#history.last;
    if (tick === undefined || this.#isPaused) return;
    const { version, startedAtSeconds } = tick.process;
    document.title = `${tick.name} – Sluice`;
    setText(byId("name"), tick.name);
    setText(byId("about"), `Sluice ${version}, since ${new Date(startedAtSeconds * 1000).toLocaleString()}`);
    this.#sections.show(this.#history, tick);
    this.#exchanges.show(this.#history.exchanges);
    this.#charts?.show(this.#history.points);
    void this.#config.show(tick.lastLoad?.at ?? 0);
  }

  /** A live region: told only when it changes. */
  #tell(state: string): void {
    this.#state = state;
    setText(byId("state"), this.#isPaused ? "paused" : state);
    setAttribute(byId("state"), "data-tone", this.#isPaused ? "warn" : state === "live" ? "good" : "bad");
  }
}

const page = new Page();

const form = byId("login");
const token = controlById("token", HTMLInputElement);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(token.value);
  token.value = "";
  form.hidden = true;
  page.start();
});

/** Asks for the token. */
function login(refusal: string): void {
  form.hidden = false;
  setText(byId("state"), "a token is asked for");
  setText(byId("refusal"), refusal);
  token.focus();
}

const access = (await (await fetch("/live/access")).json()) as { token: boolean };
if (access.token && !hasToken()) login("");
else page.start();
