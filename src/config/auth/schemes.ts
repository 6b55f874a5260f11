// The schema of schemes: each is checked by the schema of its kind.
import { Problem, type ConfigReader } from "../fault.ts";
import { chained, leaf, named, then, type Shape } from "../shape.ts";
import { apiKeyShape } from "./api-key.ts";
import { basicShape } from "./basic.ts";
import { clientCertificateShape } from "./client-certificate.ts";
import { forwardAuthShape } from "./forward-auth.ts";
import { httpSignatureShape } from "./http-signature.ts";
import { introspectionShape } from "./introspection.ts";
import { jwtShape } from "./jwt.ts";
import { SchemeOptions } from "./options.ts";
import type { SchemePlan } from "./plan.ts";
import * as v from "valibot";

/** The schema of a kind's options. It gives the plan once the scheme's name is known. */
type SchemeShape = (gateway: string, reader: ConfigReader) => Shape<(name: string) => SchemePlan>;

const SHAPES: Readonly<Record<string, SchemeShape>> = {
  "api-key": apiKeyShape,
  basic: basicShape,
  "client-certificate": clientCertificateShape,
  "forward-auth": forwardAuthShape,
  "http-signature": httpSignatureShape,
  introspection: introspectionShape,
  jwt: jwtShape,
};

const A_SCHEME = "a scheme, such as apiKey()";

/** The schemes by name. `gateway` is the gateway's name. */
export function schemesShape(
  gateway: string,
  reader: ConfigReader,
  nameProblem: (name: string) => Problem | undefined,
): Shape<readonly SchemePlan[]> {
  const scheme = v.lazy((value): Shape<(name: string) => SchemePlan> => {
    const shape = value instanceof SchemeOptions ? SHAPES[value.kind] : undefined;
    return shape === undefined ? NO_SCHEME : chained(optionsOf, shape(gateway, reader));
  });
  const all = named(scheme, "an object of schemes by name", (name) => {
    if (name !== "none") return nameProblem(name);
    return new Problem("another name", { hint: '`auth: "none"` on a route says that everybody may call.' });
  });
  return then(all, (entries) => entries.map(([name, planOf]) => planOf(name)));
}

const optionsOf = leaf((scheme) => (scheme as SchemeOptions).options);
const NO_SCHEME = leaf<never>(
  () => new Problem(A_SCHEME, { hint: 'It is made by a function that is imported from "sluice".' }),
);
