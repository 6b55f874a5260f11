// The charts: requests a second and latencies of the last minutes, in the colours of the page.
import uPlot from "uplot";
import { clockText, countText, durationText, rateText } from "../live/numbers.ts";
import { type Point, shownSpan } from "../live/history.ts";
import { element, setAttribute } from "./elements.ts";

interface Line {
  readonly label: string;
  /** The property of the style sheet that holds its colour. */
  readonly color: string;
  readonly dash?: number[];
  value(point: Point): number | undefined;
}

interface ChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  text(value: number): string;
  /** At the marks of the axis. */
  mark(value: number): string;
}

const CHARTS: readonly ChartOptions[] = [
  {
    title: "Requests a second",
    text: rateText,
    mark: countText,
    lines: [
      { label: "all", color: "--line-1", value: ({ perSecond }) => perSecond },
      { label: "failed", color: "--line-bad", dash: [6, 3], value: ({ failed }) => failed },
    ],
  },
  {
    title: "Latency",
    text: durationText,
    mark: durationText,
    lines: [
      { label: "p50", color: "--line-1", value: ({ p50 }) => p50 },
      { label: "p90", color: "--line-2", dash: [6, 3], value: ({ p90 }) => p90 },
      { label: "p99", color: "--line-3", dash: [2, 3], value: ({ p99 }) => p99 },
    ],
  },
];

const HEIGHT = 190;

/** Both, in a place of the page. */
export class Charts {
  readonly #charts: readonly Chart[];

  constructor(place: HTMLElement) {
    this.#charts = CHARTS.map((options) => new Chart(place, options));
    const redraw = (): void => this.#charts.forEach((chart) => chart.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** Shows the points. */
  show(points: readonly Point[]): void {
    for (const chart of this.#charts) chart.show(points);
  }
}

class Chart {
  readonly #options: ChartOptions;
  readonly #figure: HTMLElement;
  readonly #place = element("div", { role: "img" });
  readonly #plot: uPlot;

  constructor(place: HTMLElement, options: ChartOptions) {
    this.#options = options;
    this.#figure = element("figure", {}, element("figcaption", {}, options.title), this.#place);
    place.append(this.#figure);
    const axis = { stroke: () => color("--muted"), font: "12px system-ui, sans-serif" };
    const grid = { stroke: () => color("--rule"), width: 1 };
    this.#plot = new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        cursor: { drag: { x: false, y: false } },
        legend: { live: true },
        scales: {
          // Of one point uPlot makes a thousand days.
          x: { range: ({ data: [times] }) => shownSpan(times) },
          // Of nothing, marks of a thousandth would be told.
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          {
            ...{ ...axis, grid: { ...grid, show: false }, ticks: grid, space: 80, size: 34 },
            values: (_, times) => times.map((at) => clockText(at * 1000)),
          },
          { ...axis, grid, ticks: grid, size: 64, values: (_, values) => values.map((value) => options.mark(value)) },
        ],
        series: [
          { value: (_, at) => (at == null ? "" : clockText(at * 1000)) },
          ...options.lines.map(({ label, color: name, dash }) => ({
            label,
            stroke: () => color(name),
            width: 2,
            ...(dash && { dash }),
            points: { show: false },
            // A second in which nothing ended has no latency: without this a gateway that is asked seldom has no line.
            spanGaps: true,
            value: (_: uPlot, value: number | null) => (value == null ? "–" : options.text(value)),
          })),
        ],
      },
      [[], ...options.lines.map(() => [])],
      this.#place,
    );
    new ResizeObserver(() => this.#plot.setSize({ width: this.#width, height: HEIGHT })).observe(this.#figure);
  }

  get #width(): number {
    return Math.max(200, this.#figure.clientWidth - 2);
  }

  show(points: readonly Point[]): void {
    const { lines, title, text } = this.#options;
    this.#plot.setData([
      points.map(({ at }) => at),
      ...lines.map(({ value }) => points.map((point) => value(point) ?? null)),
    ]);
    // What the legend tells while nobody points at a moment.
    if (this.#plot.cursor.idx == null && points.length > 0) this.#plot.setLegend({ idx: points.length - 1 }, false);
    const last = points.at(-1);
    const now = lines.map(({ label, value }) => {
      const number = last && value(last);
      return `${label} ${number === undefined ? "none" : text(number)}`;
    });
    setAttribute(this.#place, "aria-label", `${title}, the last five minutes. Now: ${now.join(", ")}.`);
  }

  redraw(): void {
    this.#plot.redraw(false, true);
  }
}

/** A colour of the style sheet. */
function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
