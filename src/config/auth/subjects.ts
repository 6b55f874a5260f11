// What is wrong between the names of consumers and the schemes by whose credentials they are known.
import { normalSubject, SUBJECT_FORMS } from "../../auth/client-certificate/subject.ts";
import { Problem } from "../fault.ts";
import type { ConsumerPlan, SchemePlan } from "./plan.ts";

/** Names that no certificate can have, and names of two consumers: whose one is must not depend on which was read last. */
export function* strangeSubjects(
  consumers: readonly ConsumerPlan[] = [],
  schemes: readonly SchemePlan[] = [],
): Iterable<Problem> {
  const owners = new Map<string, string>();
  const kinds = new Map(
    schemes.flatMap((scheme) => (scheme.kind === "client-certificate" ? [[scheme.name, scheme.subject] as const] : [])),
  );
  for (const { consumer, subjects } of consumers) {
    for (const [scheme, names] of Object.entries(subjects)) {
      for (const [i, written] of names.entries()) {
        const at = ["consumers", consumer.name, "subjects", scheme, i];
        const kind = kinds.get(scheme);
        const normal = kind === undefined ? written : normalSubject(kind, written);
        if (kind !== undefined && normal === undefined) {
          const hint = `The scheme ${scheme} knows callers by "${kind}".`;
          yield new Problem(SUBJECT_FORMS[kind], { at, found: JSON.stringify(written.slice(0, 60)), hint });
          continue;
        }
        const owner = owners.get(`${scheme} ${normal}`);
        const hint = owner === consumer.name ? "It stands there twice." : `${owner} has it too.`;
        if (owner !== undefined) {
          yield new Problem("a name of its own", { at, found: JSON.stringify(written.slice(0, 60)), hint });
        }
        owners.set(`${scheme} ${normal}`, consumer.name);
      }
    }
  }
}
