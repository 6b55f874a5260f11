// The user's own schema of claims: what fits, what does not, and schemas that fail themselves.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { claimsReader } from "../../src/auth/claims-schema.ts";
import { type ClaimsResult, type ClaimsSchema, claimsSchemaShape } from "../../src/config/auth/claims-schema.ts";
import { GatewayError } from "../../src/errors.ts";

/** A schema by hand. */
function schema(validate: (value: unknown) => ClaimsResult<unknown> | Promise<ClaimsResult<unknown>>): ClaimsSchema {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const ORDER = v.object({ sub: v.string(), realm: v.object({ roles: v.array(v.string()) }) });

describe("claims are read", () => {
  test("as they are without a schema", () => {
    const claims = { sub: "a" };
    expect(claimsReader(undefined)(claims)).toBe(claims);
  });

  test("by what the schema makes of them", async () => {
    const read = claimsReader(
      v.pipe(
        ORDER,
        v.transform(({ sub }) => ({ name: sub })),
      ),
    );
    expect(await read({ sub: "a", realm: { roles: [] }, more: 1 })).toEqual({ name: "a" });
  });

  test("also by a schema that takes its time", async () => {
    expect(
      await claimsReader(
        v.pipeAsync(
          ORDER,
          v.checkAsync(async () => true),
        ),
      )({ sub: 1 }),
    ).toMatchObject({
      code: "invalid_credentials",
    });
  });

  const REFUSED = [
    ["one that is missing", { realm: { roles: [] } }, "sub"],
    ["one of another type", { sub: 7, realm: { roles: [] } }, "sub"],
    ["one deep inside", { sub: "hush", realm: { roles: [1] } }, "realm.roles.0"],
    ["several", {}, "sub, realm"],
  ] as const;
  test.each(REFUSED)("%s is refused by name, without its value", async (_, claims, names) => {
    const refusal = (await claimsReader(ORDER)(claims)) as GatewayError;
    expect(refusal.code).toBe("invalid_credentials");
    expect(refusal.message).toBe(`the claims do not fit the schema: ${names}`);
  });

  const FAILING = [
    [
      "throws",
      () => {
        throw new TypeError("boom");
      },
    ],
    ["rejects", () => Promise.reject(new TypeError("boom"))],
    ["gives no object", () => ({ value: "text" })],
    ["gives null", () => ({ value: null })],
  ] as const;
  test.each(FAILING)("a schema that %s opens nothing", async (_, validate) => {
    const refusal = await claimsReader(schema(validate))({ sub: "a" });
    expect(refusal).toBeInstanceOf(GatewayError);
    expect((refusal as GatewayError).code).toBe("authentication_unavailable");
  });
});

test.each([[1], ["x"], [null], [{}], [{ "~standard": {} }], [{ "~standard": { version: 2, validate: () => ({}) } }]])(
  "%p is no schema",
  (value) => {
    expect(v.safeParse(claimsSchemaShape, value).success).toBe(false);
  },
);

test("a schema of a library is one, also one that is a function", () => {
  expect(v.safeParse(claimsSchemaShape, ORDER).success).toBe(true);
  expect(
    v.safeParse(
      claimsSchemaShape,
      Object.assign(
        () => undefined,
        schema(() => ({ value: {} })),
      ),
    ).success,
  ).toBe(true);
});
