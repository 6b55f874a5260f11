// The forms of a line: golden lines of each, and that no text in any field can break one.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LineFormat } from "../../src/config/log/options.ts";
import type { LogPlan } from "../../src/config/log/plan.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Ending, Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { REQUEST_ID } from "../../src/listen/arrive.ts";
import { fieldReader } from "../../src/record/log/fields.ts";
import { MEMBERS } from "../../src/record/log/members.ts";
import { queryRedactor } from "../../src/record/redact.ts";
import { LOG, UPSTREAM, answer, exchange, recordingPlatform, route, logInto, logOf } from "./exchanges.ts";

type Form = LineFormat;
const FORMS: readonly Form[] = ["json", "ecs", "caddy", "combined", "common"];

function textOf(format: Form, x: Exchange, ending: Ending, chosen: Partial<LogPlan["members"]> = {}): string {
  const platform = recordingPlatform();
  logInto(logOf(format, { ...LOG, members: { ...LOG.members, ...chosen } }), platform)(x, ending);
  expect(platform.lines).toHaveLength(1);
  return platform.lines[0]!;
}

/** All went well. */
function forwarded(): Exchange {
  const fields = Fields.of(
    ["Host", "api.example.com:8080"],
    ["User-Agent", "curl/8.5.0"],
    ["Referer", "https://shop.test/a?token=S3CRET&b=1"],
    ["Accept", "text/html"],
    ["Accept", "*/*"],
    ["Authorization", "Bearer S3CRET"],
    ["X-Own-Key", "S3CRET"],
  );
  const x = exchange({ fields, peer: "10.0.0.1" }, "/api/orders/7", "?page=2&token=S3CRET");
  x.client = "203.0.113.9";
  x.route = route("orders", "/api/orders/*");
  x.upstream = UPSTREAM;
  x.identity = {
    scheme: "key",
    consumer: { name: "acme", groups: [], metadata: {} },
  } as unknown as Exchange["identity"];
  x.attempts = [{ target: "http://127.0.0.1:9001", startedAt: 990, settledAt: 999.5, status: 200, error: undefined }];
  x.answer = answer(200);
  x.answer.fields.add("Content-Type", "application/json");
  x.answer.fields.add("Set-Cookie", "s=S3CRET");
  x.limited = [
    { limit: { name: "perMinute", observe: false }, allowed: true, remaining: 41, resetMs: 1, giveBack: undefined },
  ] as unknown as Exchange["limited"];
  return x;
}

const WELL: Ending = { error: undefined, bytesIn: 5, bytesOut: 1200 };

/** The upstream was not there. */
function refused(): Exchange {
  const x = exchange();
  x.route = route("orders", "/api/orders/*");
  x.upstream = UPSTREAM;
  x.error = new GatewayError("connection_refused", 'nobody at "127.0.0.1:9001"');
  x.answer = answer(502);
  return x;
}

const ID = "0190a8f2-7c4e-4abc-8def-0123456789ab";
const OWN =
  '"http.route":"/api/orders/*","sluice.route":"orders","sluice.auth.scheme":"key","sluice.consumer":"acme",' +
  '"sluice.upstream":"orders","sluice.target":"http://127.0.0.1:9001","sluice.attempts":1,' +
  '"sluice.upstream_duration":0.009500,"sluice.limits":[{"limit":"perMinute","verdict":"allowed","remaining":41}]';
const FAILED =
  '"http.route":"/api/orders/*","sluice.route":"orders","sluice.upstream":"orders","sluice.attempts":0,' +
  '"error.type":"connection_refused","sluice.error.fault":"upstream",' +
  '"sluice.error.detail":"nobody at \\"127.0.0.1:9001\\""';

const golden: readonly [format: Form, well: string, failed: string][] = [
  [
    "json",
    `{"time":"2026-11-25T10:00:00.123Z","level":"info","msg":"exchange","request_id":"${ID}",` +
      '"http.request.method":"GET","url.path":"/api/orders/7","url.query":"page=2&token=REDACTED","url.scheme":"http",' +
      '"server.address":"api.example.com","network.protocol.version":"1.1","http.response.status_code":200,' +
      '"client.address":"203.0.113.9","network.peer.address":"10.0.0.1","user_agent.original":"curl/8.5.0",' +
      `"http.request.body.size":5,"http.response.body.size":1200,"duration":0.012345,${OWN}}`,
    `{"time":"2026-11-25T10:00:00.123Z","level":"error","msg":"exchange","request_id":"${ID}",` +
      '"http.request.method":"GET","url.path":"/api/orders/7","url.scheme":"http","server.address":"api.example.com",' +
      '"network.protocol.version":"1.1","http.response.status_code":502,"client.address":"127.0.0.1",' +
      '"user_agent.original":"curl/8.5.0","http.request.body.size":0,"http.response.body.size":90,' +
      `"duration":0.012345,${FAILED}}`,
  ],
  [
    "ecs",
    '{"@timestamp":"2026-11-25T10:00:00.123Z","log.level":"info","message":"exchange","ecs.version":"8.17.0",' +
      '"event.kind":"event","event.category":["web"],"event.dataset":"sluice.access","event.outcome":"success",' +
      `"event.duration":12345000,"http.request.id":"${ID}","http.request.method":"GET","http.version":"1.1",` +
      '"url.path":"/api/orders/7","url.query":"page=2&token=REDACTED","url.scheme":"http",' +
      '"url.domain":"api.example.com","http.response.status_code":200,"client.ip":"203.0.113.9",' +
      '"source.ip":"10.0.0.1","user_agent.original":"curl/8.5.0","http.request.body.bytes":5,' +
      `"http.response.body.bytes":1200,${OWN}}`,
    '{"@timestamp":"2026-11-25T10:00:00.123Z","log.level":"error","message":"exchange","ecs.version":"8.17.0",' +
      '"event.kind":"event","event.category":["web"],"event.dataset":"sluice.access","event.outcome":"failure",' +
      `"event.duration":12345000,"http.request.id":"${ID}","http.request.method":"GET","http.version":"1.1",` +
      '"url.path":"/api/orders/7","url.scheme":"http","url.domain":"api.example.com",' +
      '"http.response.status_code":502,"client.ip":"127.0.0.1","source.ip":"127.0.0.1",' +
      '"user_agent.original":"curl/8.5.0","http.request.body.bytes":0,"http.response.body.bytes":90,' +
      `${FAILED}}`,
  ],
  [
    "caddy",
    '{"level":"info","ts":1795600800.123,"logger":"http.log.access","msg":"handled request","request":' +
      '{"remote_ip":"10.0.0.1","client_ip":"203.0.113.9","proto":"HTTP/1.1","method":"GET",' +
      '"host":"api.example.com:8080","uri":"/api/orders/7?page=2&token=REDACTED","headers":{"User-Agent":["curl/8.5.0"]}},' +
      '"bytes_read":5,"user_id":"acme","duration":0.012345,"size":1200,"status":200,"resp_headers":{},' +
      `"request_id":"${ID}",${OWN}}`,
    '{"level":"error","ts":1795600800.123,"logger":"http.log.access","msg":"handled request","request":' +
      '{"remote_ip":"127.0.0.1","client_ip":"127.0.0.1","proto":"HTTP/1.1","method":"GET",' +
      '"host":"api.example.com:8080","uri":"/api/orders/7","headers":{"User-Agent":["curl/8.5.0"]}},' +
      '"bytes_read":0,"user_id":"","duration":0.012345,"size":90,"status":502,"resp_headers":{},' +
      `"request_id":"${ID}",${FAILED}}`,
  ],
  [
    "combined",
    '203.0.113.9 - acme [25/Nov/2026:10:00:00 +0000] "GET /api/orders/7?page=2&token=REDACTED HTTP/1.1" 200 1200 ' +
      '"https://shop.test/a?token=REDACTED&b=1" "curl/8.5.0"',
    '127.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET /api/orders/7 HTTP/1.1" 502 90 "-" "curl/8.5.0"',
  ],
  [
    "common",
    '203.0.113.9 - acme [25/Nov/2026:10:00:00 +0000] "GET /api/orders/7?page=2&token=REDACTED HTTP/1.1" 200 1200',
    '127.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET /api/orders/7 HTTP/1.1" 502 90',
  ],
];

describe.each(golden)("the form %s", (format, well, failed) => {
  test("of an exchange that went well", () => expect(textOf(format, forwarded(), WELL)).toBe(well));

  test("of one that failed", () => {
    expect(textOf(format, refused(), { error: undefined, bytesIn: 0, bytesOut: 90 })).toBe(failed);
  });
});

test.each(["combined", "common"] as const)(
  "the form %s writes a consumer's name in bytes of UTF-8, two digits each",
  (format) => {
    const named = (name: string): string => {
      const x = forwarded();
      x.identity = { scheme: "key", consumer: { name, groups: [], metadata: {} } } as unknown as Exchange["identity"];
      return textOf(format, x, WELL).split(" ")[2]!;
    };
    expect(named("Łukasz")).toBe("\\xC5\\x81ukasz");
    expect(named("José 7")).toBe("Jos\\xC3\\xA9\\x207");
    expect(named("😀")).toBe("\\xF0\\x9F\\x98\\x80");
    const x = exchange({ fields: Fields.of(["User-Agent", "\xe9"]) });
    if (format === "combined") expect(textOf(format, x, WELL)).toEndWith('"\\xE9"');
  },
);

describe("fields of the config's choice", () => {
  const chosen = { request: ["accept", "referer", "authorization", "x-own-key", "absent"], response: ["set-cookie"] };
  const headers = { accept: ["text/html", "*/*"], referer: ["https://shop.test/a?token=REDACTED&b=1"] };

  test.each(["json", "ecs"] as const)("stand in the form %s, credentials masked", (format) => {
    const line = JSON.parse(textOf(format, forwarded(), WELL, chosen)) as object;
    expect(line).toMatchObject({
      "http.request.header.accept": headers.accept,
      "http.request.header.referer": headers.referer,
      "http.request.header.authorization": ["REDACTED"],
      "http.request.header.x-own-key": ["REDACTED"],
      "http.response.header.set-cookie": ["REDACTED"],
    });
    expect(line).not.toHaveProperty(["http.request.header.absent"]);
  });

  test.each([
    ...["cf-access-jwt-assertion", "x-goog-iap-jwt-assertion", "x-amzn-oidc-data", "x-forwarded-access-token"],
    ...["sec-websocket-protocol", "x-id-token", "private-token", "x-goog-api-key"],
  ])("%s is masked, whatever the config says", (name) => {
    const read = fieldReader({ ...LOG, redactFields: [] }, queryRedactor([]));
    expect(read(Fields.of([name, "secret"]), name)).toEqual(["REDACTED"]);
  });

  test.each([
    ["https://a.test/cb?code=x#y", "https://a.test/cb?code=REDACTED#y"],
    ["https://a.test/cb#access_token=x&state=1", "https://a.test/cb#access_token=REDACTED&state=1"],
    ["https://a.test/cb?a=1#id_token=x", "https://a.test/cb?a=1#id_token=REDACTED"],
    ["/a#b?token=x", "/a#b?token=REDACTED"],
    ["/a#b", "/a#b"],
    ["/a?code=x?y#/route?token=z", "/a?code=REDACTED#/route?token=REDACTED"],
  ])("a URL in a field has no credentials in its query or its fragment: %s", (url, shown) => {
    const read = fieldReader(LOG, queryRedactor([]));
    expect(read(Fields.of(["Location", url]), "location")).toEqual([shown]);
  });

  test("stand in the form caddy where Caddy has them", () => {
    expect(JSON.parse(textOf("caddy", forwarded(), WELL, chosen))).toMatchObject({
      request: { headers: { Accept: headers.accept, Referer: headers.referer, Authorization: ["REDACTED"] } },
      resp_headers: { "Set-Cookie": ["REDACTED"] },
    });
  });

  test.each(["json", "ecs", "caddy"] as const)("members of the form %s come and go", (format) => {
    for (const name of MEMBERS[format]) {
      const text = textOf(format, forwarded(), WELL, { set: [["stage", 'a"\n']], remove: [name] });
      const line = JSON.parse(text) as Record<string, unknown>;
      expect(line).not.toHaveProperty([name]);
      expect(line["stage"]).toBe('a"\n');
      expect(text).toMatch(/^[ -~]+$/);
    }
  });

  test.each(["json", "ecs", "caddy"] as const)("the form %s has no members but those that are listed", (format) => {
    const lines = [textOf(format, forwarded(), WELL), textOf(format, refused(), WELL)];
    const names = lines.flatMap((line) => Object.keys(JSON.parse(line) as object));
    expect(names.filter((name) => !MEMBERS[format].includes(name))).toEqual([]);
  });
});

/** The line without these members, cut out of its text: names of members stand at the depth of one brace. */
function cut(line: string, removed: readonly string[]): string {
  const kept: string[] = [];
  let start = 1;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < line.length; at++) {
    const unit = line[at]!;
    if (inText) {
      if (unit === "\\") at++;
      else if (unit === '"') inText = false;
      continue;
    }
    if (unit === '"') inText = true;
    else if (unit === "{" || unit === "[") depth++;
    else if (unit === "}" || unit === "]") depth--;
    if ((unit === "," && depth === 1) || depth === 0) {
      const member = line.slice(start, at);
      if (!removed.some((name) => member.startsWith(`"${name}":`))) kept.push(member);
      start = at + 1;
    }
  }
  return `{${kept.join(",")}}`;
}

describe("a line written without members is the whole line with them cut out, byte for byte", () => {
  /** Tried twice, limited, observed, by way of a fallback, in a trace. */
  function eventful(): Exchange {
    const x = forwarded();
    const error = new GatewayError("connection_refused", 'nobody, "there"');
    const [first] = x.attempts;
    x.attempts = [
      { ...first!, status: 0, error },
      { ...first!, status: 201, reason: "connect" },
    ];
    x.observations = [{ policy: "auth", error }];
    x.fallbacks = [{ upstream: UPSTREAM, reason: 503, attempts: [] }];
    x.faults = ["delay"];
    x.limitStore = "local";
    x.trace = {
      stem: "0af7651916cd43dd8448eb211c80319c-b7ad6b71692033",
      flags: 1,
    } as Exchange["trace"];
    x.error = error;
    return x;
  }

  const exchanges: readonly [name: string, x: () => Exchange][] = [
    ["went well", forwarded],
    ["failed", refused],
    ["was eventful", eventful],
    ["came without a head", () => exchange({ method: "", target: "", authority: "", fields: new Fields() }, "/")],
  ];

  describe.each(["json", "ecs", "caddy"] as const)("in the form %s", (format) => {
    test.each(exchanges)("of an exchange that %s", (_, x) => {
      const whole = textOf(format, x(), WELL, { set: [["stage", "a"]], request: ["accept"] });
      fc.assert(
        fc.property(fc.subarray([...MEMBERS[format]], { minLength: 1 }), (remove) => {
          const text = textOf(format, x(), WELL, { set: [["stage", "a"]], request: ["accept"], remove });
          expect(text).toBe(cut(whole, remove));
        }),
        { numRuns: 200 },
      );
    });

    test("a line without any member is an empty object", () => {
      expect(textOf(format, eventful(), WELL, { remove: MEMBERS[format] })).toBe("{}");
    });
  });
});

test("whatever stands in any field, a line is one line of printable ASCII, of bounded length, and reads as its form", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.string({ maxLength: 40 }),
    fc.constantFrom('"', "\\", '\\"', "\r\n{}", "\u2028", "\u0000", "\x7f", '","level":"', "\ud800", "a".repeat(9000)),
  );
  const combined = /^[!-~]+ - [!-~]+ \[[^\]]+\] "[^"]*" (?:\d{3}|-) \d+(?: "[^"]*" "[^"]*")?$/;
  const id = fc.stringMatching(REQUEST_ID);
  fc.assert(
    fc.property(
      fc.array(anything, { minLength: 8, maxLength: 8 }),
      id,
      fc.constantFrom(...FORMS),
      (texts, id, format) => {
        const [method, path, query, authority, client, agent, value, detail] = texts as [string, ...string[]];
        const fields = Fields.of(["User-Agent", agent!], ["Referer", value!], ["X-Any", value!]);
        const x = exchange({ method, authority: authority!, fields, peer: client! }, path!, `?${query}`);
        x.client = client!;
        x.id = id;
        x.identity = { scheme: agent, consumer: { name: value } } as unknown as Exchange["identity"];
        x.error = new GatewayError("proxy_internal_error", detail!);
        x.route = route(value!, path!);
        const line = textOf(format, x, WELL, { request: ["x-any", "referer"], set: [["own", detail!]] });
        expect(line).toMatch(/^[ -~]+$/);
        expect(line.length).toBeLessThan(40_000);
        if (format === "combined" || format === "common") expect(line).toMatch(combined);
        else expect(JSON.parse(line)).toBeObject();
      },
    ),
    { numRuns: 500 },
  );
});
