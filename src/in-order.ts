// Several stages as one: each in its turn, until one answers.
import type { Answer } from "./answer.ts";
import type { Exchange, LastStage, Stage } from "./exchange.ts";

/** Folds stages and the one that always answers into one. Without stages it is the last itself and costs nothing. */
export function inOrder(stages: readonly Stage[], last: LastStage): LastStage {
  if (stages.length === 0) return last;
  const goOn = async (x: Exchange, from: number, pending: Promise<Answer | void>): Promise<Answer> => {
    let answer = await pending;
    for (let i = from + 1; i < stages.length && answer === undefined; i++) answer = (await stages[i]!(x)) ?? undefined;
    return answer ?? last(x);
  };
  return (x) => {
    for (let i = 0; i < stages.length; i++) {
      const answer = stages[i]!(x);
      if (answer instanceof Promise) return goOn(x, i, answer);
      if (answer !== undefined) return answer;
    }
    return last(x);
  };
}
