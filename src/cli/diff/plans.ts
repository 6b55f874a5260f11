// What two plans say differently, setting by setting, with the places in their configs.
import { planView } from "../../admin/live/plan-view.ts";
import type { ConfigPath } from "../../config/fault.ts";
import type { Plan } from "../../config/plan.ts";
import type { PlaceOf } from "../explain/policies.ts";
import { settings, sorted } from "../plan-settings.ts";
import { canonical } from "./canonical.ts";

/** A setting that differs. Secrets are masked: that they differ is told, not how. */
export interface SettingChange {
  /** "routes.orders.timeouts.connect"; of what is added or removed whole, the part that all of it has in common. */
  readonly path: string;
  /** The text before; undefined where the setting is added. */
  readonly before: string | undefined;
  /** The text after; undefined where the setting is removed. */
  readonly after: string | undefined;
  /** Where it stands, or the nearest that is known to stand around it. */
  readonly placeBefore: string | undefined;
  readonly placeAfter: string | undefined;
}

/** A plan's settings by path, and where they stand. */
export interface Side {
  readonly settings: ReadonlyMap<string, string>;
  /** Finds where a setting stands; undefined where that is not known. */
  readonly placeOf: PlaceOf | undefined;
}

/** Behind what is masked: nobody writes it, and it is never shown. */
const SEAL = "\u0000";
const SEALED = new RegExp(`${SEAL}[0-9a-f]{64}`, "g");

/** A plan of a config, so that it can be told whether what is masked differs: secrets by value, functions by their source. */
export function sideOf(plan: Plan, placeOf: PlaceOf): Side {
  const seal = (hidden: unknown, shown: string): string =>
    `${shown}${SEAL}${Bun.CryptoHasher.hash("sha256", canonical(hidden), "hex")}`;
  return { settings: settingsOf(planView(plan, seal)), placeOf };
}

/** A plan as planView shows it: what is masked cannot be compared. */
export function sideOfView(view: unknown, placeOf?: PlaceOf): Side {
  return { settings: settingsOf(view), placeOf };
}

function settingsOf(view: unknown): Map<string, string> {
  return new Map(Object.entries(Object(sorted(view)) as object).flatMap(([name, value]) => [...settings(name, value)]));
}

/** Compares them, in the order of paths. */
export function changesBetween(before: Side, after: Side): SettingChange[] {
  const changes = new Map<string, SettingChange>();
  const add = (path: string, from: string | undefined, to: string | undefined): void => {
    if (changes.has(path)) return;
    const [texts, at] = [[from, to].map((text) => text?.replaceAll(SEALED, "")), configPath(path)];
    changes.set(path, {
      path,
      before: texts[0],
      after: from !== undefined && texts[0] === texts[1] ? `${texts[1]} (another)` : texts[1],
      placeBefore: from === undefined ? undefined : before.placeOf?.(at),
      placeAfter: to === undefined ? undefined : after.placeOf?.(at),
    });
  };
  const [inBefore, inAfter] = [before.settings, after.settings].map((all) => new Tree(all));
  for (const [path, text] of before.settings) {
    const other = after.settings.get(path);
    if (other === text) continue;
    if (other !== undefined) add(path, text, other);
    else if (inAfter!.has(path)) add(path, text, inAfter!.summary(path));
    else ifAlone(path, inAfter!, (top) => add(top, inBefore!.summary(top), undefined));
  }
  for (const [path, text] of after.settings) {
    if (before.settings.has(path)) continue;
    if (inBefore!.has(path)) add(path, inBefore!.summary(path), text);
    else ifAlone(path, inBefore!, (top) => add(top, undefined, inAfter!.summary(top)));
  }
  return [...changes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Tells the shortest part of a path that the other side has not, unless the other side says in one word what this part says in many. */
function ifAlone(path: string, other: Tree, tell: (top: string) => void): void {
  const parts = path.split(".");
  for (let i = 1; i <= parts.length; i++) {
    const top = parts.slice(0, i).join(".");
    if (other.isLeaf(top)) return;
    if (!other.has(top)) return tell(top);
  }
}

/** Settings, and all that they stand below. */
class Tree {
  readonly #settings: ReadonlyMap<string, string>;
  readonly #parts = new Set<string>();

  constructor(settings: ReadonlyMap<string, string>) {
    this.#settings = settings;
    for (const path of settings.keys()) {
      for (let at = path.length; at > 0; at = path.lastIndexOf(".", at - 1)) this.#parts.add(path.slice(0, at));
    }
  }

  /** Whether it or something below it is set. */
  has(path: string): boolean {
    return this.#parts.has(path);
  }

  isLeaf(path: string): boolean {
    return this.#settings.has(path);
  }

  /** All below a path in one line, but what is not set. */
  summary(path: string): string {
    const own = this.#settings.get(path);
    if (own !== undefined) return own;
    const below = [...this.#settings].filter(([each, text]) => each.startsWith(`${path}.`) && text !== "none");
    return below.map(([each, text]) => `${each.slice(path.length + 1)} ${text}`).join(", ");
  }
}

/** Parts of a plan that stand elsewhere in a config. */
const MOVED: readonly (readonly [plan: RegExp, config: string])[] = [
  [/^auth\.(consumers|keys|identity)\b/, "$1"],
  [/^auth\.schemes\b/, "auth"],
  [/^limits\.limits\b/, "limits"],
  [/^limits\b(?=\.(?:fields|capacity|store|snapshot))/, "limiting"],
  [/^(routes\.[^.]+)\.destination\b/, "$1"],
  [/^(routes\.[^.]+)\.matches\b/, "$1.match"],
  [/^(routes\.[^.]+)\.(request|response)Fields\b/, "$1.headers.$2"],
];

/** Where in the config a setting of the plan stands, or what stands around it. */
function configPath(path: string): ConfigPath {
  const moved = MOVED.find(([plan]) => plan.test(path));
  return (moved === undefined ? path : path.replace(moved[0], moved[1])).split(".");
}
