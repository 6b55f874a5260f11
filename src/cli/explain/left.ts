// Asks the gateway that runs what it has left of the limits of a request.
import type { Plan } from "../../config/plan.ts";
import { adminPlace } from "../admin-place.ts";
import type { Left } from "./policies.ts";
import type { Step } from "./rehearsal.ts";

/** Longest wait for a gateway on the same machine. */
const PATIENCE_MS = 1000;

/** What is left for each caller that a limit was asked about. Nothing is known where no gateway answers. */
export async function askLeft({ admin }: Plan, steps: readonly Step[]): Promise<Left> {
  const known = new Map<string, number>();
  const keyOf = (limit: string, caller: string): string => JSON.stringify([limit, caller]);
  const place = admin && adminPlace(admin);
  if (place === undefined) return () => undefined;
  const { url, how } = place;
  const ask = async (limit: string, caller: string): Promise<void> => {
    const query = new URLSearchParams({ limit, caller });
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(`${url}/limits?${query}`, { ...how, signal });
    const { left } = (await response.json()) as { left?: unknown };
    if (typeof left === "number") known.set(keyOf(limit, caller), left);
  };
  const asked = steps.flatMap((step) =>
    step.kind === "limit" && step.caller !== undefined ? [ask(step.name, step.caller)] : [],
  );
  await Promise.allSettled(asked);
  return (limit, caller) => known.get(keyOf(limit, caller));
}
