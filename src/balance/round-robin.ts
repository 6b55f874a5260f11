// Smooth weighted round robin: every target in turn, the heavier ones more often, never in bursts.

/** Picks the index of the next target. */
export type Pick = () => number;

/**
 * Picks among targets by weight. Over any run of `sum of weights` picks each is picked exactly as often as its weight;
 * weight 0 is never picked. With all weights 0 nothing can be picked: the config refuses that.
 */
export function roundRobin(weights: readonly number[]): Pick {
  const live = weights.map((weight, index) => ({ weight, index })).filter(({ weight }) => weight > 0);
  let turn = 0;
  if (live.every(({ weight }) => weight === live[0]!.weight)) {
    return () => {
      const { index } = live[turn]!;
      turn = turn + 1 === live.length ? 0 : turn + 1;
      return index;
    };
  }
  const total = live.reduce((sum, { weight }) => sum + weight, 0);
  const current = live.map(() => 0);
  return () => {
    let best = 0;
    for (let i = 0; i < live.length; i++) {
      current[i] = current[i]! + live[i]!.weight;
      if (current[i]! > current[best]!) best = i;
    }
    current[best] = current[best]! - total;
    return live[best]!.index;
  };
}
