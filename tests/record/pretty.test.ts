// The line for a person: aligned, coloured by status, and safe to show.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import pico from "picocolors";
import { GatewayError } from "../../src/errors.ts";
import type { Ending, Exchange } from "../../src/exchange.ts";
import { prettyLine } from "../../src/record/pretty.ts";
import { queryRedactor } from "../../src/record/redact.ts";
import { UPSTREAM, WHOLE, answer, exchange, recordingPlatform, route } from "./exchanges.ts";

function line(x: Exchange, ending: Ending = WHOLE, colors = false): string {
  return prettyLine(queryRedactor([]), recordingPlatform(), pico.createColors(colors))(x, ending);
}

function forwarded(path: string, query = ""): Exchange {
  const x = exchange({}, path, query);
  x.route = route("orders", "/api/orders/*");
  x.upstream = UPSTREAM;
  x.attempts = [{ target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 0, status: 200, error: undefined }];
  x.answer = answer(200);
  return x;
}

test("tells time, status, method, path, duration, route and target", () => {
  expect(line(forwarded("/api/orders/7", "?token=abc"))).toMatch(
    /^\d\d:\d\d:\d\d\.123 {2}200 {2}GET {5}\/api\/orders\/7\?token=REDACTED {10}12\.3 ms {2}orders → http:\/\/127\.0\.0\.1:9001$/,
  );
});

test("is aligned: duration and route stand in the same column for short paths and statuses", () => {
  const short = line(forwarded("/"));
  const long = line(forwarded("/a/somewhat/longer/path"));
  expect(short.indexOf("orders →")).toBe(long.indexOf("orders →"));
});

test("tells the failure at its end, and how many attempts there were", () => {
  const x = forwarded("/");
  x.attempts.push({ target: "http://127.0.0.1:9002", startedAt: 0, settledAt: 0, status: 0, error: undefined });
  x.error = new GatewayError("connection_refused", "nobody listens");
  x.answer = answer(502);
  expect(line(x)).toEndWith("orders → http://127.0.0.1:9002 (attempt 2)  connection_refused: nobody listens");
});

test("shows 499 for a client that left before any answer", () => {
  const ending = { error: new GatewayError("client_disconnect", "left"), bytesIn: 0, bytesOut: 0 };
  expect(line(exchange(), ending)).toContain("  499  GET");
});

test.each([
  [200, "\x1b[32m"],
  [304, "\x1b[36m"],
  [404, "\x1b[33m"],
  [502, "\x1b[31m"],
])("colours the status %d", (status, escape) => {
  const x = exchange();
  x.answer = answer(status);
  expect(line(x, WHOLE, true)).toContain(`${escape}${status}\x1b[39m`);
  expect(line(x, WHOLE, false)).not.toContain("\x1b");
});

describe("what a client sends", () => {
  test("moves no cursor and begins no line", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.string({ unit: byte, maxLength: 400 }));
    fc.assert(
      fc.property(text, text, text, text, (method, path, query, detail) => {
        const x = exchange({ method }, path, "?" + query);
        x.error = new GatewayError("http_request_error", detail);
        expect(line(x)).toMatch(/^[ -~…]+$/);
      }),
    );
  });

  test("is cut where it is long", () => {
    expect(line(exchange({}, "/" + "x".repeat(1000)))).toContain("x".repeat(255) + "… ");
  });
});
