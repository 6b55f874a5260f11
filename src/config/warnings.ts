// What a right plan says that nobody should run without knowing it.
import { oldCertificates, strayNames } from "./listen/warnings.ts";
import type { Plan } from "./plan.ts";

/** One sentence each, for the operator. @param now milliseconds since the epoch */
export function planWarnings({ routes, listen, tracing, otlp }: Plan, now: number): string[] {
  const unheard = new Set([...(tracing?.unheard ?? []), ...(otlp?.unheard ?? [])]);
  return [...onPurpose(routes), ...oldCertificates(listen.tls, now), ...strayNames(listen.tls, routes), ...unheard];
}

function onPurpose(routes: Plan["routes"]): string[] {
  const faulty = routes.filter(({ faults }) => faults !== undefined).map(({ name }) => name);
  if (faulty.length === 0) return [];
  return [
    `FAULTS ARE MADE ON PURPOSE on ${faulty.join(", ")}: remove \`faults\` of a route that serves anybody in earnest`,
  ];
}
