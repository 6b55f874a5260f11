// What a right plan says that nobody should run without knowing it.
import type { Plan } from "./plan.ts";

/** One sentence each, for the operator. */
export function planWarnings({ routes }: Plan): string[] {
  const faulty = routes.filter(({ faults }) => faults !== undefined).map(({ name }) => name);
  if (faulty.length === 0) return [];
  return [
    `FAULTS ARE MADE ON PURPOSE on ${faulty.join(", ")}: remove \`faults\` of a route that serves anybody in earnest`,
  ];
}
