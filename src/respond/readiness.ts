// Whether the gateway can do its work, for whoever sends traffic to it: load balancers, orchestrators.
import { answerOfBytes } from "../answer.ts";
import type { Exchange, LastStage } from "../exchange.ts";
import { Fields } from "../http/fields.ts";

/** Why the gateway is not ready: a part by its name in the config, such as "auth.token", and what is wrong with it. */
export interface Obstacle {
  readonly name: string;
  /** For the operator. */
  readonly reason: string;
}

/** What stands in the way of one that nobody can reach yet. */
export const STARTING: Obstacle = { name: "listen", reason: "the gateway does not listen yet" };

/** What stands in the way of one that has been told to leave. */
export const DRAINING: Obstacle = { name: "draining", reason: "the gateway shuts down" };

/**
 * Answers 200 when nothing stands in the way, else 503 with the names of what does; never with the reasons, which are for
 * the operator and stand in the log.
 */
export function readinessAnswer(obstacles: () => readonly Obstacle[]): LastStage {
  return (x: Exchange) => {
    const unready = obstacles().map(({ name }) => name);
    const status = unready.length === 0 ? 200 : 503;
    const said = unready.length === 0 ? { ready: true } : { ready: false, unready };
    const content = new TextEncoder().encode(JSON.stringify(said));
    const fields = Fields.of(["Content-Type", "application/json"], ["Cache-Control", "no-store"]);
    if (status === 503) fields.add("Retry-After", "1");
    return answerOfBytes(x.method, status, fields, content);
  };
}
