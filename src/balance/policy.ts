// Policy: one way to say which of the targets that may be picked is next.
import type { Exchange } from "../exchange.ts";
import type { Target, Watcher } from "../target.ts";

/** One way to pick. It knows nothing of health: what may not be picked is not there. */
export interface Policy<T extends Target> {
  /**
   * From now on these, at least one, each of a weight above 0, in the order of the config. Told again whenever they or
   * their weights change.
   */
  use(targets: readonly T[], weights: readonly number[]): void;
  /** The target for the first attempt of an exchange. */
  pick(x: Exchange): T;
  /** For a later attempt: a target that is not among `tried`, if there is one, else any. Takes nobody's turn. */
  other(x: Exchange, tried: readonly T[]): T;
  /** When it can pick, if that is not at once; absent where it always can. */
  ready?(): Promise<void> | undefined;
  /** What it must be told of attempts, in this order; absent for nothing. */
  readonly watchers?: readonly Watcher<T>[];
}
