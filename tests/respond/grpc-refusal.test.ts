// Refusals to callers of gRPC: who counts as one, and which code and message each failure has.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Answer } from "../../src/answer.ts";
import { type ErrorCode, GatewayError, MEANINGS } from "../../src/errors.ts";
import type { Arrival } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { isGrpcCall, tellErrorByGrpc, tellFixedByGrpc } from "../../src/respond/grpc-refusal.ts";
import { problemAnswer } from "../../src/respond/problem.ts";
import { exchange } from "../record/exchanges.ts";

const CODES = Object.keys(MEANINGS) as ErrorCode[];

function call(type = "application/grpc", more: Partial<Arrival> = {}): ReturnType<typeof exchange> {
  return exchange({ method: "POST", version: "2", fields: Fields.of(["content-type", type]), ...more });
}

describe("a call of gRPC", () => {
  test.each([
    ["application/grpc", true],
    ["application/grpc+proto", true],
    ["application/grpc;charset=utf-8", true],
    ["application/grpc ; a=b", true],
    ["Application/GRPC+JSON", true],
    ["application/grpc-web", false],
    ["application/grpc-web+proto", false],
    ["application/grpc-web-text", false],
    ["application/grpcs", false],
    ["application/json", false],
    ["text/application/grpc", false],
    ["", false],
  ])("by its type: %s is %p", (type, is) => expect(isGrpcCall(call(type))).toBe(is));

  test.each([
    ["one by HTTP/3", { version: "3" }, true],
    ["none by HTTP/1.1", { version: "1.1" }, false],
    ["none by HTTP/1.0", { version: "1.0" }, false],
    ["none with GET", { method: "GET" }, false],
    ["none with HEAD", { method: "HEAD" }, false],
    ["none without a type", { fields: new Fields() }, false],
  ] as const)("is %s", (_, more, is) => expect(isGrpcCall(call(undefined, more))).toBe(is));
});

describe("a failure", () => {
  /** All that there are, by the code of gRPC that they have. */
  const table: readonly (readonly [number: number, codes: readonly ErrorCode[]])[] = [
    [2, ["proxy_internal_error", "request_timeout", "uri_too_long", "expectation_failed", "version_not_supported"]],
    [2, ["attempt_withdrawn", "client_disconnect"]],
    [4, ["deadline_exceeded"]],
    [7, ["insufficient_scope", "access_denied", "origin_not_allowed"]],
    [8, ["content_too_large", "rate_limit_exceeded", "in_flight_exceeded"]],
    [12, ["route_not_found", "method_not_allowed", "protocol_not_supported"]],
    [13, ["http_request_error", "malformed_credentials", "header_section_too_large"]],
    [16, ["authentication_required", "invalid_credentials"]],
  ];
  const numbers = new Map(table.flatMap(([number, codes]) => codes.map((code) => [code, number] as const)));

  test.each(CODES)("%s has its code, and its word and title as the message", (code) => {
    const answer = problemAnswer(new GatewayError(code, "inside"), call(), "sluice");
    // What the list leaves out is 502, 503 or 504: UNAVAILABLE.
    expect(answer.fields.all("grpc-status")).toEqual([String(numbers.get(code) ?? 14)]);
    if (!numbers.has(code)) expect([502, 503, 504]).toContain(MEANINGS[code].status);
    expect(decodeURIComponent(answer.fields.get("grpc-message")!)).toBe(`${code}: ${MEANINGS[code].title}`);
    expect(answer).toMatchObject({ status: 200, standsFor: MEANINGS[code].status, content: null });
    expect(answer.announcedLength).toBeUndefined();
  });

  test("keeps the fields that go with it", () => {
    const fields = [["WWW-Authenticate", "Bearer"]] as const;
    const refused = problemAnswer(new GatewayError("invalid_credentials", "no", { fields }), call(), "sluice");
    expect([...refused.fields]).toEqual([
      ["Cache-Control", "no-store"],
      ["X-Request-ID", exchange().id],
      ["WWW-Authenticate", "Bearer"],
      ["Content-Type", "application/grpc"],
      ["grpc-status", "16"],
      ["grpc-message", "invalid_credentials: The credentials are not accepted"],
    ]);
    const down = problemAnswer(new GatewayError("destination_unavailable", "no"), call(), "sluice").fields;
    expect([down.get("proxy-status"), down.get("retry-after")]).toEqual(["sluice; error=destination_unavailable", "1"]);
  });

  test("tells the public detail, never the operator's message", () => {
    const error = new GatewayError("access_denied", "inside 10.0.0.1", { publicDetail: "100 % of ø\n" });
    const { fields } = problemAnswer(error, call(), "sluice");
    expect(fields.get("grpc-message")).toBe("access_denied: 100 %25 of %C3%B8%0A");
  });

  test("has a message of printable ASCII that stands for the text, and no more than 8 KiB", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2000 }), (publicDetail) => {
        const answer = new Answer(403, undefined, new Fields(), null);
        tellErrorByGrpc(answer, new GatewayError("access_denied", "", { publicDetail }));
        const message = answer.fields.get("grpc-message")!;
        expect(message).toMatch(/^(?:[ -$&-~]|%[0-9A-F]{2})*$/);
        expect(message.length).toBeLessThan(8192);
        expect(decodeURIComponent(message)).toBe(`access_denied: ${publicDetail}`.slice(0, 512).toWellFormed());
      }),
    );
  });
});

describe("an answer of the config", () => {
  const text = (status: number, type: string, content: string): Answer =>
    new Answer(status, undefined, Fields.of(["Content-Type", type]), new TextEncoder().encode(content));

  test.each([
    [text(503, "text/plain; charset=utf-8", "back at ten"), 503, "14", "back at ten"],
    [text(403, "application/json", "{}"), 403, "7", "status 403"],
    [new Answer(418, undefined, new Fields(), null), 418, "2", "status 418"],
  ])("that is a failure has its code: %#", (answer, status, code, message) => {
    tellFixedByGrpc(answer);
    expect(answer).toMatchObject({ status: 200, standsFor: status, content: null });
    expect([...answer.fields].slice(-2)).toEqual([
      ["grpc-status", code],
      ["grpc-message", message],
    ]);
    expect(answer.fields.all("content-type")).toEqual(["application/grpc"]);
  });

  test.each([
    ["that is none", () => text(200, "text/plain", "hello")],
    ["that says a status of gRPC itself", () => new Answer(500, "", Fields.of(["grpc-status", "5"]), null)],
  ])("%s stays as it is", (_, make) => {
    const answer = make();
    tellFixedByGrpc(answer);
    expect(answer).toEqual(make());
  });
});
