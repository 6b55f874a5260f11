// The gateway's own failures as answers, and that they tell nothing of the inside.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseList, Token } from "structured-headers";
import type { Answer } from "../../src/answer.ts";
import { GatewayError, MEANINGS } from "../../src/errors.ts";
import type { ErrorCode, GatewayErrorOptions } from "../../src/errors.ts";
import { problemAnswer, problemContent, problemFields } from "../../src/respond/problem.ts";
import { exchange } from "../record/exchanges.ts";

const ID = "0190a8f2-7c4e-4abc-8def-0123456789ab";
const CODES = Object.keys(MEANINGS) as ErrorCode[];
const RFC_9209 = CODES.slice(0, CODES.indexOf("route_not_found"));

function answerTo(error: GatewayError, method = "GET", name = "sluice"): Answer {
  return problemAnswer(error, exchange({ method }), name);
}

function document(answer: Answer): unknown {
  return JSON.parse(new TextDecoder().decode(answer.content as Uint8Array));
}

describe("a problem answer", () => {
  test("is problem+json that is never cached and carries the request id", () => {
    const answer = answerTo(new GatewayError("route_not_found", "nothing matches GET /x"));
    expect(answer.status).toBe(404);
    expect([...answer.fields]).toEqual([
      ["Content-Type", "application/problem+json"],
      ["Cache-Control", "no-store"],
      ["X-Request-ID", ID],
    ]);
    expect(document(answer)).toEqual({
      type: "about:blank",
      title: "No route",
      status: 404,
      instance: `urn:uuid:${ID}`,
      code: "route_not_found",
      request_id: ID,
    });
  });

  test("tells the client the public detail", () => {
    const answer = answerTo(new GatewayError("http_request_error", "inside", { publicDetail: "Two Host fields." }));
    expect(document(answer)).toMatchObject({ detail: "Two Host fields.", status: 400 });
  });

  test("carries the error's own fields, in place of its usual ones", () => {
    const fields = [
      ["Allow", "GET, HEAD"],
      ["cache-control", "no-cache"],
      ["WWW-Authenticate", "Bearer"],
      ["WWW-Authenticate", "Basic"],
    ] as const;
    const answer = answerTo(new GatewayError("method_not_allowed", "no", { fields }));
    expect(answer.fields.get("allow")).toBe("GET, HEAD");
    expect(answer.fields.all("cache-control")).toEqual(["no-cache"]);
    expect(answer.fields.all("www-authenticate")).toEqual(["Bearer", "Basic"]);
  });

  test("to HEAD has no content but the length that GET would have got", () => {
    const error = new GatewayError("connection_refused", "no");
    const got = answerTo(error).content as Uint8Array;
    const head = answerTo(error, "HEAD");
    expect(head.content).toBeNull();
    expect(head.announcedLength).toBe(String(got.length));
    expect(answerTo(error).announcedLength).toBeUndefined();
  });

  test.each(CODES)("%s has its status in document and answer alike", (code) => {
    const answer = answerTo(new GatewayError(code, "no"));
    expect(answer.status).toBe(MEANINGS[code].status);
    expect(document(answer)).toMatchObject({ code, status: answer.status, title: MEANINGS[code].title });
  });

  test.each(CODES.filter((code) => MEANINGS[code].status === 503))("%s says when to come back", (code) => {
    expect(answerTo(new GatewayError(code, "no")).fields.all("retry-after")).toEqual(["1"]);
    const later = new GatewayError(code, "no", { fields: [["Retry-After", "30"]] });
    expect(answerTo(later).fields.all("retry-after")).toEqual(["30"]);
  });
});

describe("Proxy-Status", () => {
  test.each(RFC_9209)("tells %s", (code) => {
    const value = answerTo(new GatewayError(code, "no")).fields.get("proxy-status")!;
    const [[name, parameters]] = parseList(value) as [[Token, Map<string, unknown>]];
    expect(name).toEqual(new Token("sluice"));
    expect(parameters).toEqual(new Map([["error", new Token(code)]]));
  });

  test.each(CODES.filter((code) => !RFC_9209.includes(code)))("is silent about %s, which no registry knows", (code) => {
    expect(answerTo(new GatewayError(code, "no")).fields.has("proxy-status")).toBe(false);
  });

  test("tells the status that an upstream had answered with, for its own failures only", () => {
    const x = exchange();
    x.attempts = [
      { target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 0, status: 503, error: undefined },
      { target: "http://127.0.0.1:9002", startedAt: 0, settledAt: 0, status: 200, error: undefined },
    ];
    const broken = problemAnswer(new GatewayError("http_response_incomplete", "cut"), x, "sluice");
    expect(broken.fields.get("proxy-status")).toBe("sluice; error=http_response_incomplete; received-status=200");
    const own = problemAnswer(new GatewayError("proxy_internal_error", "bug"), x, "sluice");
    expect(own.fields.get("proxy-status")).toBe("sluice; error=proxy_internal_error");
  });

  test("is a valid structured field whatever the gateway is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const value = answerTo(new GatewayError("dns_error", "no"), "GET", name).fields.get("proxy-status")!;
        const [[item]] = parseList(value) as [[Token | string, unknown]];
        expect(item.toString()).toBe(name.replace(/[^ -~]/g, "?"));
      }),
    );
  });
});

describe("before there is an exchange", () => {
  test("document and fields do without an id", () => {
    const error = new GatewayError("header_section_too_large", "70000 bytes");
    expect(JSON.parse(new TextDecoder().decode(problemContent(error, "")))).toEqual({
      type: "about:blank",
      title: "Request fields too large",
      status: 431,
      code: "header_section_too_large",
    });
    expect(problemFields(error, "", "sluice").has("x-request-id")).toBe(false);
  });

  test("an id that is no UUID is told but is no instance", () => {
    const error = new GatewayError("uri_too_long", "20000 bytes");
    const content = JSON.parse(new TextDecoder().decode(problemContent(error, "abc.1"))) as object;
    expect(content).toMatchObject({ request_id: "abc.1" });
    expect(content).not.toHaveProperty("instance");
    expect(problemFields(error, "abc.1", "sluice").get("x-request-id")).toBe("abc.1");
  });

  test("an id that would break the head is left out of it", () => {
    expect(problemFields(new GatewayError("draining", "x"), "a\r\nB: c", "sluice").has("x-request-id")).toBe(false);
  });
});

test("message, cause, retry and stack never change a byte of what the client sees", () => {
  const shown = (answer: Answer): unknown => [answer.status, answer.reason, [...answer.fields], document(answer)];
  const cause = fc.oneof(
    fc.string().map((text) => new Error(text)),
    fc.anything(),
    fc.ipV4().map((host) => ({ code: "ECONNREFUSED", address: host, port: 9001 })),
  );
  const retry = fc.constantFrom<NonNullable<GatewayErrorOptions["retry"]>>("safe", "idempotent", "never");
  fc.assert(
    fc.property(fc.constantFrom(...CODES), fc.string(), cause, retry, (code, message, thrown, again) => {
      const bare = answerTo(new GatewayError(code, ""));
      const full = answerTo(new GatewayError(code, message, { cause: thrown, retry: again }));
      expect(shown(full)).toEqual(shown(bare));
    }),
  );
});
