// The credentials of Basic: what is read, and what nobody should have to guess.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { basicCredentials } from "../../../src/auth/basic/basic-credentials.ts";
import { GatewayError } from "../../../src/errors.ts";
import { Fields } from "../../../src/http/fields.ts";

const code = (text: string): string => new TextEncoder().encode(text).toBase64();
const read = (...values: string[]): ReturnType<typeof basicCredentials> =>
  basicCredentials(Fields.of(...values.map((value): [string, string] => ["Authorization", value])));

describe("credentials", () => {
  const RIGHT: [value: string, user: string, password: string][] = [
    ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"],
    ["Basic dGVzdDoxMjPCow==", "test", "123£"],
    [`basic ${code("a:b")}`, "a", "b"],
    [`BASIC    ${code("a:b")}`, "a", "b"],
    [`Basic ${code("a:b:c:")}`, "a", "b:c:"],
    [`Basic ${code(":b")}`, "", "b"],
    [`Basic ${code("a:")}`, "a", ""],
    [`Basic ${code(" a : b ")}`, " a ", " b "],
    [`Basic ${code("a:cafe\u0301")}`, "a", "caf\u00e9"],
    [`Basic ${code("\ufeffa:b")}`, "\ufeffa", "b"],
  ];
  test.each(RIGHT)("%p are %p and %p", (value, user, password) => {
    expect(read(value)).toEqual({ user, password });
  });

  test("of another scheme are not looked at", () => {
    expect(read()).toBeUndefined();
    for (const value of ["Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basically x", "", "Basic\tx", "xBasic x"]) {
      expect(read(value)).toBeUndefined();
    }
    expect(read("Bearer a", "Digest b")).toBeUndefined();
  });

  const WRONG: [what: string, values: string[], message: string][] = [
    ["nothing", ["Basic"], "there is nothing behind Basic"],
    ["a blank", ["Basic "], "there is nothing behind Basic"],
    [
      "two lines",
      [`Basic ${code("a:b")}`, `Basic ${code("a:b")}`],
      "the field authorization stands there more than once",
    ],
    [
      "another scheme beside it",
      ["Bearer x", `Basic ${code("a:b")}`],
      "the field authorization stands there more than once",
    ],
    ["two in one line", [`Basic ${code("a:b")}, Basic ${code("a:b")}`], "what stands behind Basic is not base64"],
    ["no padding", ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"], "what stands behind Basic is not base64"],
    ["bits that are left over", ["Basic YTpiYx=="], "what stands behind Basic is not UTF-8 in base64"],
    ["base64 for URLs", ["Basic YTr_-w=="], "what stands behind Basic is not base64"],
    ["a pair in clear", ["Basic a:b"], "what stands behind Basic is not base64"],
    [
      "Latin 1",
      [`Basic ${new Uint8Array([97, 58, 0xe9]).toBase64()}`],
      "what stands behind Basic is not UTF-8 in base64",
    ],
    ["no colon", [`Basic ${code("ab")}`], "there is no colon between user and password"],
    ["a control character in the user", [`Basic ${code("a\n:b")}`], "user or password holds a control character"],
    ["a control character in the password", [`Basic ${code("a:b\0")}`], "user or password holds a control character"],
    ["one of C1", [`Basic ${code("a:b\u0085")}`], "user or password holds a control character"],
  ];
  test.each(WRONG)("with %s are malformed", (_, values, message) => {
    const refusal = read(...values) as GatewayError;
    expect(refusal).toBeInstanceOf(GatewayError);
    expect([refusal.code, refusal.message]).toEqual(["malformed_credentials", message]);
  });

  test("that are too long are refused unread", () => {
    expect(read(`Basic ${code(`a:${"p".repeat(766)}`)}`)).toMatchObject({ user: "a" });
    expect(read(`Basic ${code(`a:${"p".repeat(769)}`)}`)).toMatchObject({ code: "invalid_credentials" });
  });

  test("are what was written, and nothing else is taken for any", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 });
    fc.assert(
      fc.property(text, text, (user, password) => {
        fc.pre(!/[\0-\x1f\x7f-\x9f]/.test(user + password) && !user.includes(":"));
        expect(read(`Basic ${code(`${user}:${password}`)}`)).toEqual({ user, password: password.normalize("NFC") });
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (value) => {
        const found = read(`Basic ${value}`);
        if (found === undefined || found instanceof GatewayError) return;
        expect(value.trimStart()).toBe(code(`${found.user}:${found.password}`));
      }),
    );
  });
});
