// A sliding window as a plain value, for stores that keep one value a key: what redis-scripts.ts does in Lua.

/**
 * Units that were let through, in at most 21 groups, oldest first. A group stays until its last unit is out of the window:
 * the count is never too low, and too high by less than a twentieth of the limit.
 */
export interface Groups {
  readonly units: number[];
  /** When the last unit of each group came, in whole milliseconds. */
  readonly times: number[];
}

/** What is asked of a window that is counted in {@link Groups}: whether these units fit the limit. */
export interface GroupsAsk {
  readonly limit: number;
  readonly windowMs: number;
  readonly units: number;
}

/** Whether units fit into a window that is counted in {@link Groups}, and what is left. */
export interface GroupsSaid {
  readonly fits: boolean;
  readonly remaining: number;
  /** Until there are more units; until as many as were asked for, when they do not fit. */
  readonly resetMs: number;
}

/** Groups that are full, and the one that fills. */
const MOST = 21;

/** A window in which nothing has been counted. */
export function noGroups(): Groups {
  return { units: [], times: [] };
}

/**
 * Lets go of what is out of the window. When the clock has been set back the times are moved back with it: everything counts
 * at least as long as it should, and at most one window longer. @returns whether anything has changed
 */
export function expire({ units, times }: Groups, windowMs: number, now: number): boolean {
  const ahead = Math.max(0, (times.at(-1) ?? 0) - now);
  if (ahead > 0) for (let i = 0; i < times.length; i++) times[i]! -= ahead;
  let gone = 0;
  while (gone < times.length && now - times[gone]! > windowMs) gone++;
  units.splice(0, gone);
  times.splice(0, gone);
  return ahead > 0 || gone > 0;
}

/** Lets units through if they fit, and counts them then. */
export function take(groups: Groups, { limit, windowMs, units: wanted }: GroupsAsk, now: number): GroupsSaid {
  expire(groups, windowMs, now);
  const { units, times } = groups;
  const counted = sum(units);
  const fits = counted + wanted <= limit;
  if (fits) add(groups, wanted, Math.floor(limit / 20) + 1, now);
  const needed = fits ? 1 : counted + wanted - limit;
  let freed = 0;
  let resetMs = 0;
  for (let i = 0; i < units.length && freed < needed; i++) {
    freed += units[i]!;
    resetMs = times[i]! + windowMs + 1 - now;
  }
  return { fits, remaining: Math.max(0, limit - counted - (fits ? wanted : 0)), resetMs };
}

/**
 * Gives units back, those that would leave the window first. What was taken at a time that has left the window counts no more
 * and is not given back.
 */
export function giveBack(groups: Groups, windowMs: number, wanted: number, takenAt: number, now: number): void {
  if (now - takenAt > windowMs) return;
  expire(groups, windowMs, now);
  const { units, times } = groups;
  let rest = wanted;
  while (rest > 0 && units.length > 0) {
    const part = Math.min(rest, units[0]!);
    units[0]! -= part;
    rest -= part;
    if (units[0] !== 0) break;
    units.shift();
    times.shift();
  }
}

function add({ units, times }: Groups, wanted: number, group: number, now: number): void {
  for (let rest = wanted; rest > 0;) {
    if (units.length === 0 || units.at(-1)! >= group) units.push(0);
    const last = units.length - 1;
    const part = Math.min(rest, group - units[last]!);
    units[last]! += part;
    times[last] = now;
    rest -= part;
  }
  // Only where the limit has changed: two groups become one that stays as long as the younger.
  while (units.length > MOST) {
    const oldest = units.shift()!;
    units[0]! += oldest;
    times.shift();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
