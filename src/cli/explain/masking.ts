// What of an explanation may be a credential is masked: those of clients, and those that the gateway itself puts in.
import type { Plan } from "../../config/plan.ts";
import { REDACTED, Secret } from "../../config/secrets.ts";
import { CREDENTIAL_FIELDS, queryRedactor } from "../../record/redact.ts";

/** Masks credentials in the texts of an explanation. */
export interface Masking {
  /** In the query of a request target. */
  target(target: string): string;
  /** In a request's head; its lines. */
  head(head: string): string[];
}

/** The masking of a plan: every place in which one of its schemes looks, and every secret that it sets. */
export function maskingOf(plan: Plan): Masking {
  const places = plan.auth.schemes.flatMap((scheme) =>
    "header" in scheme && scheme.header !== undefined ? [scheme.header] : [],
  );
  const secrets = plan.routes.flatMap(({ requestFields }) =>
    (requestFields?.set ?? []).flatMap(([name, value]) => (value instanceof Secret ? [name] : [])),
  );
  const token = plan.auth.identity.token === undefined ? [] : [plan.auth.identity.token.header];
  const masked = new Set([...CREDENTIAL_FIELDS, ...places, ...secrets, ...token].map((name) => name.toLowerCase()));
  const parameters = plan.auth.schemes.flatMap((scheme) =>
    "query" in scheme && scheme.kind === "api-key" ? (scheme.query ?? []) : [],
  );
  const query = queryRedactor(parameters);
  const target = (written: string): string => {
    const at = written.indexOf("?");
    return at < 0 ? written : written.slice(0, at) + query(written.slice(at));
  };
  return {
    target,
    head(head) {
      const [first = "", ...lines] = head.trimEnd().split("\r\n");
      const [method = "", written = "", version = ""] = first.split(" ");
      return [
        `${method} ${target(written)} ${version}`,
        ...lines.map((line) => {
          const colon = line.indexOf(":");
          return masked.has(line.slice(0, colon).toLowerCase()) ? `${line.slice(0, colon)}: ${REDACTED}` : line;
        }),
      ];
    },
  };
}
