// The last exchanges: which are shown, and where the time of each went.
import { bytesText, durationText, timeText } from "../live/numbers.ts";
import type { SeenExchange, Span, SpanName } from "../live/seen.ts";
import { byId, controlById, element, emptyRow, putAt } from "./elements.ts";

/** Exchanges that are shown, of those that are remembered. */
const MOST_SHOWN = 50;

const SPAN_NAMES = [
  ...["limit", "auth", "allow", "wait", "fault", "mirror", "connect", "first byte", "answer", "body"],
] as const satisfies readonly SpanName[] | readonly string[];

/** Each with the class that holds its width: what comes every second must not move what is read. */
const COLUMNS = [
  ["Request", "request"],
  ["time", "clock"],
  ["route", "name"],
  ["status", "status"],
  ["consumer", "name"],
  ["took", "number"],
  ["spent on", "time"],
] as const;

/** The table, its filters, and what is opened of it. */
export class Exchanges {
  // Roles are said again: on a narrow page the style makes blocks of rows and cells, which would take them away.
  readonly #body = element("tbody", { role: "rowgroup" });
  readonly #empty = emptyRow(COLUMNS.length);
  readonly #route = controlById("filter-route", HTMLSelectElement);
  readonly #status = controlById("filter-status", HTMLSelectElement);
  readonly #consumer = controlById("filter-consumer", HTMLSelectElement);
  readonly #rows = new Map<SeenExchange, HTMLTableRowElement[]>();
  #all: readonly SeenExchange[] = [];

  constructor() {
    const heads = COLUMNS.map(([title, kind]) => element("th", { scope: "col", class: kind }, title));
    const caption = element("caption", {}, "The newest first; of many some are drawn by lot, failures before others");
    const head = element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads));
    const table = element("table", { role: "table" }, caption, head, this.#body);
    document.querySelector("#exchanges .scroll")!.append(table);
    for (const select of [this.#route, this.#consumer]) offer(select, [["", "all"]]);
    for (const select of [this.#route, this.#status, this.#consumer]) {
      select.addEventListener("change", () => this.#filter());
    }
    const used = ["limit", "auth", "wait", "connect", "first byte", "body", "answer"] as const;
    byId("legend").append(...used.map((name) => element("span", {}, swatch(name), name)));
    this.#filter();
  }

  /** Shows these, the newest first. */
  show(exchanges: readonly SeenExchange[]): void {
    if (exchanges[0] === this.#all[0]) return;
    this.#all = exchanges;
    const routes = new Set(this.#all.map(({ route = "" }) => route));
    offer(this.#route, [
      ["", "all"],
      ...[...routes].sort().map((route) => [`=${route}`, route || "(no route)"] as const),
    ]);
    const consumers = new Set(this.#all.map(({ consumer = "" }) => consumer));
    offer(this.#consumer, [
      ["", "all"],
      ...[...consumers].sort().map((consumer) => [`=${consumer}`, consumer || "(nobody known)"] as const),
    ]);
    this.#filter();
  }

  /** Shows those that are wanted. */
  #filter(): void {
    const shown = this.#all.filter((each) => this.#isWanted(each)).slice(0, MOST_SHOWN);
    const kept = new Set(shown);
    for (const [exchange, rows] of this.#rows) {
      if (kept.has(exchange)) continue;
      for (const row of rows) row.remove();
      this.#rows.delete(exchange);
    }
    this.#empty.remove();
    let place = 0;
    for (const exchange of shown) {
      const rows = this.#rows.get(exchange) ?? rowsOf(exchange);
      this.#rows.set(exchange, rows);
      for (const row of rows) {
        putAt(this.#body, place++, row);
      }
    }
    if (shown.length === 0) this.#body.replaceChildren(this.#empty);
  }

  #isWanted({ route = "", status, code, consumer = "" }: SeenExchange): boolean {
    const [wantedRoute, wantedStatus, wantedConsumer] = [this.#route, this.#status, this.#consumer].map(
      ({ value }) => value,
    );
    if (wantedRoute !== "" && wantedRoute !== `=${route}`) return false;
    if (wantedConsumer !== "" && wantedConsumer !== `=${consumer}`) return false;
    if (wantedStatus === "failed") return code !== undefined;
    return wantedStatus === "" || wantedStatus === String(Math.floor(status / 100));
  }
}

/** Offers these values, and keeps the one that is chosen. */
function offer(select: HTMLSelectElement, options: readonly (readonly [value: string, text: string])[]): void {
  const known = Array.from(select.options, ({ value }) => value);
  if (known.length === options.length && known.every((value, at) => value === options[at]![0])) return;
  const { value } = select;
  select.replaceChildren(...options.map(([each, text]) => element("option", { value: each }, text)));
  select.value = options.some(([each]) => each === value) ? value : "";
}

/** The row of an exchange, and the one below it that tells more when it is opened. */
function rowsOf(exchange: SeenExchange): HTMLTableRowElement[] {
  const { method, path, at, route, status, code, consumer, ms } = exchange;
  const request = `${method} ${path}`;
  const button = element("button", { type: "button", "aria-expanded": "false", title: request }, request);
  const tone = status >= 500 || status === 0 ? "bad" : status >= 400 ? "warn" : "good";
  const said = `${status === 0 ? "–" : status}${code === undefined ? "" : ` ${code}`}`;
  const cell = (attributes: Readonly<Record<string, string>>, content: Node | string): HTMLElement =>
    element("td", { role: "cell", ...attributes }, content);
  const row = element(
    "tr",
    { role: "row" },
    element("th", { scope: "row", role: "rowheader" }, button),
    cell({}, timeText(at)),
    cell({ title: route ?? "" }, route ?? "–"),
    cell({ "data-tone": tone, title: said }, said),
    cell({ title: consumer ?? "" }, consumer ?? "–"),
    cell({ class: "number" }, durationText(ms)),
    cell({ class: "time" }, barOf(exchange)),
  );
  const more = element("tr", { role: "row", class: "more" });
  more.hidden = true;
  button.addEventListener("click", () => {
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    if (more.childElementCount === 0)
      more.append(element("td", { role: "cell", colspan: String(COLUMNS.length) }, ...detailOf(exchange)));
  });
  return [row, more];
}

/** All of it in one bar. For those who cannot see it, its parts are told. */
function barOf({ spans, ms }: SeenExchange): HTMLElement {
  const told = spans.map(({ name, from, to }) => `${name} ${durationText(to - from)}`).join(", ");
  const bar = element("div", { class: "bar", role: "img", "aria-label": told || "not told", title: told });
  for (const span of spans) bar.append(pieceOf(span, ms));
  return bar;
}

function detailOf(exchange: SeenExchange): HTMLElement[] {
  const { id, method, path, detail, scheme, upstream, attempts, bytesIn, bytesOut, spans, ms } = exchange;
  const facts: (readonly [string, string])[] = [
    ["request", `${method} ${path}`],
    ["request id", id],
    ...(detail === undefined ? [] : [["failure", detail] as const]),
    ...(scheme === undefined ? [] : [["known by", scheme] as const]),
    ...(upstream === undefined ? [] : [["upstream", `${upstream}, attempts: ${attempts}`] as const]),
    ["content", `${bytesText(bytesIn)} in, ${bytesText(bytesOut)} out`],
  ];
  const list = element("dl", { class: "facts" });
  for (const [name, text] of facts) list.append(element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  const waterfall = element("ol", { class: "waterfall" });
  for (const span of spans) {
    const { name, from, to, target, outcome } = span;
    const words = [name, ...(target === undefined ? [] : [target]), ...(outcome ? [outcome] : [])].join(" ");
    const bar = element("div", { class: "bar", "aria-hidden": "true" }, pieceOf(span, ms));
    const took = element("span", { class: "number" }, durationText(to - from));
    waterfall.append(element("li", {}, element("span", {}, swatch(name), words), took, bar));
  }
  return [list, waterfall];
}

function pieceOf({ name, from, to }: Span, ms: number): HTMLElement {
  const piece = element("i", { "data-span": String(SPAN_NAMES.indexOf(name)) });
  const share = (part: number): string => `${ms <= 0 ? 0 : Math.min(100, Math.max(0, (part / ms) * 100))}%`;
  piece.style.left = share(from);
  piece.style.width = share(to - from);
  return piece;
}

function swatch(name: SpanName): HTMLElement {
  return element("i", { class: "swatch", "data-span": String(SPAN_NAMES.indexOf(name)) });
}
