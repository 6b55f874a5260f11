// A schema for the claims of a token, of whichever library (https://standardschema.dev, version 1).
import { Problem } from "../fault.ts";
import { leaf, type Shape } from "../shape.ts";

/** What valibot, zod, ArkType and others call a Standard Schema. Its output is the type of the claims. */
export interface ClaimsSchema<Claims = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => ClaimsResult<Claims> | Promise<ClaimsResult<Claims>>;
    readonly types?: { readonly input: unknown; readonly output: Claims } | undefined;
  };
}

/** The type of what a schema gives. */
export type ClaimsOf<S extends ClaimsSchema> = NonNullable<S["~standard"]["types"]>["output"];

/** What a schema makes of a value. */
export type ClaimsResult<Claims> =
  { readonly value: Claims; readonly issues?: undefined } | { readonly issues: readonly ClaimsIssue[] };

/** One thing that is wrong with the claims. */
export interface ClaimsIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

const A_SCHEMA = "a schema of claims, such as one of valibot or zod";

/** Checks the option `claims` of a scheme: a Standard Schema. */
export const claimsSchemaShape: Shape<ClaimsSchema> = leaf((value) => {
  const isAny = (typeof value === "object" && value !== null) || typeof value === "function";
  const standard = isAny ? (value as Partial<ClaimsSchema>)["~standard"] : undefined;
  if (typeof standard !== "object" || standard === null || typeof standard.validate !== "function") {
    return new Problem(A_SCHEMA, {
      found: false,
      hint: "It has no `~standard`: the library or its version is too old.",
    });
  }
  return standard.version === 1
    ? (value as ClaimsSchema)
    : new Problem("a Standard Schema of version 1", { found: false });
});
