// The sections that are numbers: overview, routes, errors, upstreams and limits.
import type { History, Rates, Second } from "../live/history.ts";
import { bytesText, countText, durationText, rateText, shareText, waitText } from "../live/numbers.ts";
import type { TargetCount, UpstreamCount } from "../live/tick.ts";
import { byId, type Cell, element, type Row, setAttribute, setText, Table } from "./elements.ts";

/** What "now" is: long enough to be steady, short enough to see a change. */
const NOW_MS = 5000;
/** The time that the tables tell of. */
const LATELY_MS = 60_000;

const NUMBER = { isNumber: true };
const PER_SECOND = { title: "per second", ...NUMBER };
const LATENCIES = ["p50", "p90", "p99"].map((title) => ({ title, ...NUMBER }));

/** Shows the newest of a history. */
export class Sections {
  readonly #tiles = new Map<string, HTMLElement>();
  readonly #routes = tableIn("#routes", "Rates, shares and latencies of the last minute; totals since the start", [
    { title: "Route" },
    { title: "total", ...NUMBER },
    PER_SECOND,
    { title: "4xx", ...NUMBER },
    { title: "5xx", ...NUMBER },
    ...LATENCIES,
  ]);
  readonly #failures = tableIn("#failures", "Answers of 4xx and 5xx, and failures by their code", [
    { title: "Code" },
    { title: "status" },
    { title: "route" },
    { title: "last minute", ...NUMBER },
    { title: "total", ...NUMBER },
  ]);
  readonly #upstreams = tableIn("#upstreams", "Upstreams: retries and ejections since the start", [
    { title: "Upstream" },
    { title: "breaker" },
    { title: "retries", ...NUMBER },
    { title: "ejections", ...NUMBER },
  ]);
  readonly #targets = tableIn("#targets", "Targets, what is known of each and why; rates of the last minute", [
    { title: "Target" },
    { title: "upstream" },
    { title: "state" },
    { title: "attempts", ...NUMBER },
    PER_SECOND,
    { title: "failed", ...NUMBER },
    { title: "connections", ...NUMBER },
  ]);
  readonly #limits = tableIn("#limits", "What limits and bounds have decided since the start", [
    { title: "Limit" },
    { title: "kind" },
    { title: "allowed", ...NUMBER },
    { title: "refused", ...NUMBER },
    { title: "observed", ...NUMBER },
  ]);
  readonly #uses = tableIn("#uses", "Callers that have used four fifths or more, within the last half minute", [
    { title: "Caller" },
    { title: "limit" },
    { title: "used", ...NUMBER },
    { title: "of", ...NUMBER },
    { title: "more in", ...NUMBER },
  ]);

  /** Shows it. */
  show(history: History, tick: Second): void {
    this.#overview(history, tick);
    this.#routes.show(
      history
        .routes(LATELY_MS)
        .sort((a, b) => b.perSecond - a.perSecond || a.route.localeCompare(b.route))
        .map((rates) => ({ key: rates.route, cells: [rates.route || "(no route)", ...ratesCells(rates)] })),
    );
    this.#failures.show(
      history.failures(LATELY_MS).map(({ route, status, code, count, lately }) => ({
        key: `${status} ${code} ${route}`,
        cells: [
          code || `the answer's own`,
          { text: status === 0 ? "–" : String(status), tone: status >= 500 || status === 0 ? "bad" : "warn" },
          route || "(no route)",
          countText(lately),
          countText(count),
        ],
      })),
    );
    this.#upstreams.show(tick.upstreams.map(upstreamRow));
    this.#targets.show(
      tick.upstreams.flatMap((upstream) => upstream.targets.map((target) => targetRow(history, upstream, target))),
    );
    this.#limits.show(
      tick.decisions.map(({ name, kind, allowed, refused, observed }) => ({
        key: `${kind} ${name}`,
        cells: [
          name,
          kind === "limit" ? "limit" : "under way at once",
          countText(allowed),
          { text: countText(refused), tone: refused > 0 ? "warn" : undefined },
          countText(observed),
        ],
      })),
    );
    this.#uses.show(
      tick.uses
        .toSorted((a, b) => b.used / b.of - a.used / a.of)
        .map(({ limit, caller, used, of, resetMs }) => ({
          key: `${limit}\n${caller}`,
          cells: [
            caller,
            limit,
            { text: countText(used), tone: used >= of ? "bad" : "warn" },
            countText(of),
            waitText(resetMs),
          ],
        })),
    );
  }

  #overview(history: History, tick: Second): void {
    const now = history.rates(NOW_MS);
    const lately = history.rates(LATELY_MS);
    const { active, connections, memory, workers, linesDropped } = tick.process;
    const tile = (name: string, text: string, tone?: Cell["tone"]): void => this.#tile(name, text, tone);
    tile("Requests a second", rateText(now.perSecond));
    tile("p50, last minute", durationText(lately.p50));
    tile("p90", durationText(lately.p90));
    tile("p99", durationText(lately.p99));
    tile("5xx, last minute", shareText(lately.failed), lately.failed > 0 ? "bad" : undefined);
    tile("4xx, last minute", shareText(lately.refused), lately.refused > 0 ? "warn" : undefined);
    tile("Requests in all", countText(lately.total));
    tile("Under way", countText(active));
    tile("Connections", countText(connections));
    tile("Processor", `${Math.round(history.cpu(NOW_MS) * 100)}%`);
    tile("Memory", bytesText(memory));
    tile("Workers", countText(workers));
    if (linesDropped > 0) tile("Log lines lost", countText(linesDropped), "bad");
    const obstacles = byId("obstacles");
    const reasons = tick.obstacles.map(({ name, reason }) => `${name}: ${reason}`);
    setText(obstacles, reasons.length === 0 ? "" : `Not ready: ${reasons.join("; ")}`);
    obstacles.hidden = reasons.length === 0;
  }

  #tile(name: string, text: string, tone: Cell["tone"]): void {
    let value = this.#tiles.get(name);
    if (value === undefined) {
      value = element("dd");
      byId("tiles").append(element("div", {}, element("dt", {}, name), value));
      this.#tiles.set(name, value);
    }
    setText(value, text);
    setAttribute(value, "data-tone", tone);
  }
}

function tableIn(section: string, caption: string, columns: ConstructorParameters<typeof Table>[1]): Table {
  const table = new Table(caption, columns);
  const place = document.querySelector(section)!;
  (place.classList.contains("scroll") ? place : place.querySelector(".scroll")!).append(table.element);
  return table;
}

function ratesCells({ total, perSecond, refused, failed, p50, p90, p99 }: Rates): (Cell | string)[] {
  return [
    countText(total),
    rateText(perSecond),
    { text: shareText(refused), tone: refused > 0 ? "warn" : undefined },
    { text: shareText(failed), tone: failed > 0 ? "bad" : undefined },
    ...[p50, p90, p99].map(durationText),
  ];
}

const TARGET_TONES = { up: "good", unused: undefined, drained: "warn", down: "bad", ejected: "bad" } as const;
const CIRCUIT_TONES = { closed: "good", "half-open": "warn", open: "bad" } as const;

function upstreamRow({ name, circuit, openings, retries, ejections }: UpstreamCount): Row {
  return {
    key: name,
    cells: [
      name,
      circuit === undefined
        ? "–"
        : { text: openings === 0 ? circuit : `${circuit}, opened ${openings}×`, tone: CIRCUIT_TONES[circuit] },
      countText(retries),
      { text: countText(ejections), tone: ejections > 0 ? "warn" : undefined },
    ],
  };
}

function targetRow(history: History, upstream: UpstreamCount, target: TargetCount): Row {
  const { name } = upstream;
  const { url, state, reason, seconds, attempts, connections } = target;
  const { perSecond, failed } = history.target(LATELY_MS, name, url);
  const why = [
    state,
    ...(reason === undefined ? [] : [reason]),
    ...(seconds === undefined ? [] : [`${seconds} s more`]),
  ];
  return {
    key: `${name} ${url}`,
    cells: [
      url,
      name,
      { text: why.join(": "), tone: TARGET_TONES[state] },
      countText(attempts),
      rateText(perSecond),
      { text: shareText(failed), tone: failed > 0 ? "bad" : undefined },
      `${connections.active} + ${connections.idle} idle`,
    ],
  };
}
