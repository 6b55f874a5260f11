// Which signatures are accepted: what they must cover, when they are good, and what their components are.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createHash } from "node:crypto";
import type { HttpSignatureOptions } from "../../../src/config/auth/http-signature.ts";
import { exchangeOf, type Message, RFC_TIME, schemeOf, told } from "./rfc.ts";
import { ENVIRONMENT, KEYS, type Line, signed } from "./signer.ts";

const NOW = RFC_TIME / 1000;
const GET: Message = { method: "GET", target: "/a?b=c", authority: "gw.test", fields: [["Host", "gw.test"]] };
const COVERED: readonly Line[] = [
  ['"@method"', "GET"],
  ['"@target-uri"', "http://gw.test/a?b=c"],
];
const params = (more = "", key = "ed", created = NOW): string => `;created=${created};keyid="${key}"${more}`;

const scheme = (options: HttpSignatureOptions = {}): ReturnType<typeof schemeOf> =>
  schemeOf(options, KEYS, ENVIRONMENT.SHARED);

async function verdict(
  lines: readonly Line[],
  parameters: string,
  message: Message = GET,
  options: HttpSignatureOptions = {},
): Promise<string> {
  const key = parameters.includes('keyid="mac"') ? "mac" : "ed";
  return told(await scheme(options).judge(message, ...signed(lines, parameters, key)));
}

describe("parameters", () => {
  const GOOD = [
    ["by ed25519", params()],
    ["by hmac-sha256", params("", "mac")],
    ["with its algorithm", params(';alg="ed25519"')],
    ["in any order", `;keyid="ed";created=${NOW};alg="ed25519"`],
    ["with an expiry to come", params(`;expires=${NOW + 1}`)],
    ["that expired within the leeway", params(`;expires=${NOW - 30}`)],
    ["almost too old", params("", "ed", NOW - 330)],
    ["of a clock that is fast", params("", "ed", NOW + 30)],
    ["with a parameter nobody knows", params(";x-new=1;y")],
    ["with a tag", params(';tag="app"')],
    ["with a nonce", params(';nonce="n-1"')],
  ] as const;
  test.each(GOOD)("a signature %s is accepted", async (_, parameters) => {
    expect(await verdict(COVERED, parameters)).toMatch(/^rfc\/(ed|mac)$/);
  });

  const BAD = [
    ["without keyid", `;created=${NOW}`, "malformed_credentials", "no keyid"],
    ["with a keyid that is a token", `;created=${NOW};keyid=ed`, "malformed_credentials", "no keyid"],
    ["of a key nobody has", params("", "nobody"), "invalid_credentials", "no consumer"],
    ["of a key that every object has", params("", "constructor"), "invalid_credentials", "no consumer"],
    ["without created", ';keyid="ed"', "malformed_credentials", "no created"],
    ["created at a text", ';created="1";keyid="ed"', "malformed_credentials", "no created"],
    ["created at a fraction", `;created=${NOW}.5;keyid="ed"`, "malformed_credentials", "no created"],
    ["created in the future", params("", "ed", NOW + 31), "invalid_credentials", "in the future"],
    ["too old", params("", "ed", NOW - 331), "invalid_credentials", "older than 300 s"],
    ["of long ago", params("", "ed", -NOW), "invalid_credentials", "older than"],
    ["that has expired", params(`;expires=${NOW - 31}`), "invalid_credentials", "has expired"],
    ["that expires at a text", params(';expires="x"'), "malformed_credentials", "expires"],
    ["by another algorithm", params(';alg="hmac-sha256"'), "invalid_credentials", "another algorithm"],
    ["by an algorithm in other letters", params(';alg="ED25519"'), "invalid_credentials", "another algorithm"],
    ["by none", params(';alg="none"'), "invalid_credentials", "another algorithm"],
    ["with an algorithm that is a token", params(";alg=ed25519"), "malformed_credentials", "alg"],
    ["with a nonce of bytes", params(";nonce=:AAAA:"), "malformed_credentials", "nonce"],
    ["with a long nonce", params(`;nonce="${"n".repeat(257)}"`), "malformed_credentials", "nonce"],
  ] as const;
  test.each(BAD)("a signature %s is refused", async (_, parameters, code, why) => {
    const told = await verdict(COVERED, parameters);
    expect(told).toStartWith(`${code}: `);
    expect(told).toContain(why);
  });

  test("the key decides the algorithm: a public key is no shared secret", async () => {
    const [input, signature] = signed(COVERED, params("", "ed"), "mac");
    expect(told(await scheme().judge(GET, input, signature))).toContain("does not verify");
  });
});

describe("fields", () => {
  const GOOD = signed(COVERED, params());
  const WRONG = [
    ["no signature for the label", GOOD[0], "other=:AAAA:", "malformed_credentials"],
    ["a signature that is no byte sequence", GOOD[0], 'sig="AAAA"', "malformed_credentials"],
    ["a signature that is not base64", GOOD[0], "sig=:A*A:", "malformed_credentials"],
    ["an input that is no inner list", "sig=1", GOOD[1], "malformed_credentials"],
    ["an input that is no dictionary", "(", GOOD[1], "malformed_credentials"],
    ["an empty signature", GOOD[0], "sig=::", "invalid_credentials"],
    ["too many signatures", "a=(), b=(), c=(), d=(), e=()", "a=::, b=::, c=::, d=::, e=::", "malformed_credentials"],
    ["bytes beyond ASCII", 'sig=("\xe9")', GOOD[1], "malformed_credentials"],
  ] as const;
  test.each(WRONG)("%s is refused", async (_, input, signature, code) => {
    expect(told(await scheme().judge(GET, input, signature))).toStartWith(code);
  });

  test("Signature without Signature-Input is another scheme's, and neither is nobody's", async () => {
    const { scheme: it } = scheme();
    expect(await it.identify(exchangeOf(GET))).toBeUndefined();
    expect(await it.identify(exchangeOf(GET, [["Signature", 'keyId="x"']]))).toBeUndefined();
    expect(told(await it.identify(exchangeOf(GET, [["Signature-Input", GOOD[0]]])))).toStartWith("malformed");
  });

  test("one good signature among several suffices, whichever lines they stand in", async () => {
    const bad = signed(COVERED, params("", "nobody"), "ed", "bad");
    const both = [`${bad[0]}, ${GOOD[0]}`, `${bad[1]}, ${GOOD[1]}`] as const;
    expect(told(await scheme().judge(GET, ...both))).toBe("rfc/ed");
    const lines = [bad[0], GOOD[0]].map((value) => ["Signature-Input", value] as const);
    const x = exchangeOf(GET, [...lines, ["signature", bad[1]], ["SIGNATURE", GOOD[1]]]);
    expect(told(await scheme().scheme.identify(x))).toBe("rfc/ed");
  });

  test("label and tag choose which signatures count", async () => {
    const tagged = signed(COVERED, params(';tag="app"'), "ed", "app");
    const both = [`${GOOD[0]}, ${tagged[0]}`, `${GOOD[1]}, ${tagged[1]}`] as const;
    for (const options of [{ label: "app" }, { tag: "app" }, { label: "sig" }]) {
      expect(told(await scheme(options).judge(GET, ...both))).toBe("rfc/ed");
    }
    for (const options of [{ label: "other" }, { tag: "other" }, { label: "sig", tag: "app" }]) {
      expect(told(await scheme(options).judge(GET, ...both))).toBe("nothing");
    }
  });
});

describe("what must be covered", () => {
  const method: Line = ['"@method"', "GET"];
  const parts: readonly Line[] = [
    ['"@authority"', "gw.test"],
    ['"@path"', "/a"],
    ['"@query"', "?b=c"],
  ];
  test.each([
    ["method and target URI", COVERED],
    ["authority, path and query in place of the URI", [method, ...parts]],
    ["authority and request target in place of it", [method, parts[0]!, ['"@request-target"', "/a?b=c"]]],
  ] as [string, Line[]][])("%s suffice", async (_, lines) => {
    expect(await verdict(lines, params())).toBe("rfc/ed");
  });

  test.each([
    ["nothing", [], "@method"],
    ["no method", [COVERED[1]!], "@method"],
    ["no query", [method, parts[0]!, parts[1]!], "@target-uri"],
    ["one parameter of the query", [method, parts[0]!, parts[1]!, ['"@query-param";name="b"', "c"]], "@target-uri"],
    ["no authority", [method, parts[1]!, parts[2]!], "@target-uri"],
  ] as [string, Line[], string][])("%s does not", async (_, lines, missing) => {
    expect(await verdict(lines, params())).toContain(`does not cover ${missing}`);
  });

  test("a field that the config wants must be there and covered, all of it", async () => {
    const options = { components: ["@method", "@target-uri", "X-Date"] };
    const dated = { ...GET, fields: [...GET.fields, ["X-Date", "a=1, b=2"] as const] };
    expect(await verdict([...COVERED, ['"x-date"', "a=1, b=2"]], params(), dated, options)).toBe("rfc/ed");
    expect(await verdict([...COVERED, ['"x-date";bs', ":YT0xLCBiPTI=:"]], params(), dated, options)).toBe("rfc/ed");
    expect(await verdict(COVERED, params(), dated, options)).toContain("does not cover x-date");
    expect(await verdict([...COVERED, ['"x-date";key="a"', "1"]], params(), dated, options)).toContain("cover x-date");
    expect(await verdict([...COVERED, ['"x-date"', ""]], params(), GET, options)).toContain("has no field x-date");
  });
});

describe("components", () => {
  const message: Message = {
    method: "POST",
    target: "/a%2Fb/../c;x?q=1&name=a+b%20c&n%C3%A4me=%F0%9F%98%80&twice=1&twice=2&raw=\xc3\xa4&empty=&bad=%ff",
    authority: "gw.test:8080",
    fields: [
      ["Host", "gw.test:8080"],
      ["X-Two", " one"],
      ["X-TWO", "two\t"],
      ["X-Empty", ""],
      ["X-Bytes", "\xe9\xff"],
      ["Example-Dict", " a=1, b=2;x=1;y=2,   c=(a b   c);d, e"],
      ["Priority", "u=1 ,i"],
    ],
  };
  const RIGHT: readonly Line[] = [
    ['"@method"', "POST"],
    ['"@scheme"', "http"],
    ['"@authority"', "gw.test:8080"],
    ['"@path"', "/a%2Fb/../c;x"],
    ['"@query-param";name="name"', "a%20b%20c"],
    ['"@query-param";name="n%C3%A4me"', "%F0%9F%98%80"],
    ['"@query-param";name="raw"', "%C3%A4"],
    ['"@query-param";name="empty"', ""],
    ['"x-two"', "one, two"],
    ['"x-empty"', ""],
    ['"x-bytes"', "\xe9\xff"],
    ['"x-bytes";bs', ":6f8=:"],
    ['"x-two";bs', ":b25l:, :dHdv:"],
    ['"example-dict";key="a"', "1"],
    ['"example-dict";key="b"', "2;x=1;y=2"],
    ['"example-dict";key="c"', "(a b c);d"],
    ['"example-dict";key="e"', "?1"],
    ['"priority";sf', "u=1, i"],
    ['"host"', "gw.test:8080"],
  ];
  const only = { components: ["@method"], contentDigest: false };
  test.each(RIGHT)("%s is %j", async (component, value) => {
    const lines: Line[] =
      component === '"@method"'
        ? [[component, value]]
        : [
            ['"@method"', "POST"],
            [component, value],
          ];
    expect(await verdict(lines, params(), message, only)).toBe("rfc/ed");
    lines[lines.length - 1] = [component, `${value}x`];
    expect(await verdict(lines, params(), message, only)).toContain("does not verify");
  });

  const WRONG = [
    ['"@status"', "malformed"],
    ['"@nothing"', "malformed"],
    ['"@signature-params"', "malformed"],
    ['"@method";req', "malformed"],
    ['"@path";name="x"', "malformed"],
    ['"@query-param"', "malformed"],
    ['"@query-param";name=q', "malformed"],
    ['"@query-param";name="twice"', "malformed"],
    ['"@query-param";name="bad"', "malformed"],
    ['"@query-param";name="none"', "invalid"],
    ['"@query-param";name="a b"', "invalid"],
    ['"Host"', "malformed"],
    ['"x two"', "malformed"],
    ['""', "malformed"],
    ["host", "malformed"],
    ['"x-none"', "invalid"],
    ['"x-two";tr', "malformed"],
    ['"x-two";req', "malformed"],
    ['"x-two";sf', "malformed"],
    ['"x-two";bs=1', "malformed"],
    ['"x-two";other', "malformed"],
    ['"example-dict";bs;sf', "malformed"],
    ['"example-dict";bs;key="a"', "malformed"],
    ['"example-dict";key=a', "malformed"],
    ['"example-dict";key="none"', "invalid"],
    ['"x-bytes";key="a"', "malformed"],
    ['"@method"', "malformed"],
  ] as const;
  test.each(WRONG)("%s is refused", async (component, code) => {
    const told = await verdict(
      [
        ['"@method"', "POST"],
        [component, "?"],
      ],
      params(),
      message,
      only,
    );
    expect(told).toStartWith(`${code}_credentials: `);
    expect(told).not.toContain("does not verify");
  });

  test("what stands in a query without one, and where the port is the scheme's own", async () => {
    const plain = { ...GET, target: "/", authority: "gw.test:80" };
    const lines: Line[] = [
      ['"@method"', "GET"],
      ['"@query"', "?"],
      ['"@authority"', "gw.test"],
      ['"@path"', "/"],
    ];
    expect(await verdict(lines, params(), plain)).toBe("rfc/ed");
    const uri: Line[] = [
      ['"@method"', "GET"],
      ['"@target-uri"', "https://api.test/a?b=c"],
    ];
    expect(await verdict(uri, params(), GET, { origin: "https://api.test:443" })).toBe("rfc/ed");
  });

  test("scheme and authority are a trusted proxy's to say, and nobody else's", async () => {
    const proxied = { ...GET, fields: [...GET.fields, ["X-Forwarded-Proto", "https"] as const] };
    const lines: Line[] = [
      ['"@method"', "GET"],
      ['"@target-uri"', "https://gw.test/a?b=c"],
    ];
    const [input, signature] = signed(lines, params());
    const x = exchangeOf(proxied, [
      ["Signature-Input", input],
      ["Signature", signature],
    ]);
    expect(told(await scheme().scheme.identify(x))).toContain("does not verify");
    x.trusted = true;
    expect(told(await scheme().scheme.identify(x))).toBe("rfc/ed");
    x.fields.add("X-Forwarded-Host", "Other.test");
    expect(told(await scheme().scheme.identify(x))).toContain("does not verify");
  });

  test("a covered field that Connection takes away from the upstream is noticed", async () => {
    const lines: readonly Line[] = [...COVERED, ['"x-a"', "1"]];
    const by = (connection: string): Message => ({
      ...GET,
      fields: [...GET.fields, ["X-A", "1"], ["Connection", connection]],
    });
    expect(await verdict(lines, params(), by("keep-alive, x-b"))).toBe("rfc/ed");
    for (const connection of ["x-a", "close, X-A", "x-b,\tx-A"]) {
      expect(await verdict(lines, params(), by(connection))).toContain("Connection names the field x-a");
    }
    const upgrade: Message = { ...GET, fields: [...GET.fields, ["Upgrade", "websocket"], ["Connection", "Upgrade"]] };
    expect(await verdict([...COVERED, ['"upgrade"', "websocket"]], params(), upgrade)).toBe("rfc/ed");
  });

  test("any change of what is covered is noticed", async () => {
    const [input, signature] = signed([...COVERED, ['"x-a"', "1"]], params());
    const original: Message = { ...GET, fields: [...GET.fields, ["X-A", "1"]] };
    expect(told(await scheme().judge(original, input, signature))).toBe("rfc/ed");
    const text = fc.stringMatching(/^[\x20-\x7e]{0,12}$/);
    const changed = fc.oneof(
      fc.constantFrom("POST", "HEAD", "get").map((method) => ({ ...original, method })),
      text.map((more) => ({ ...original, target: `${original.target}${more.replace(/[ #]/g, "x")}x` })),
      text.map((more) => ({ ...original, authority: `${more}x.test` })),
      text.map((value) => ({ ...original, fields: [["X-A", `1${value}x`] as const] })),
      text.map((value) => ({ ...original, fields: [...original.fields, ["x-a", value] as const] })),
    );
    await fc.assert(
      fc.asyncProperty(changed, async (message) => {
        expect(told(await scheme().judge(message, input, signature))).toContain("does not verify");
      }),
      { numRuns: 100 },
    );
  });
});

describe("content", () => {
  const body = Buffer.from("hello");
  const digest = (algorithm: string, of: Uint8Array = body): string =>
    `${algorithm}=:${createHash(algorithm.replace("-", "")).update(of).digest("base64")}:`;
  const post = (value: string | undefined, content: Uint8Array | null = body): Message => ({
    ...GET,
    method: "POST",
    fields: [...GET.fields, ...(value === undefined ? [] : [["Content-Digest", value] as const])],
    content,
  });
  const lines = (value: string | undefined): Line[] => [
    ['"@method"', "POST"],
    COVERED[1]!,
    ...(value === undefined ? [] : [['"content-digest"', value] as const]),
  ];

  test.each([
    ["sha-256", digest("sha-256")],
    ["sha-512", digest("sha-512")],
    ["both", `${digest("sha-256")}, ${digest("sha-512")}`],
    ["one that is known beside one that is not", `md5=:AAAA:, ${digest("sha-256")}`],
  ])("that fits %s is accepted", async (_, value) => {
    expect(await verdict(lines(value), params(), post(value))).toBe("rfc/ed");
  });

  test.each([
    ["another digest", digest("sha-256", Buffer.from("hallo")), "invalid", "not what Content-Digest says"],
    [
      "one that fits and one that does not",
      `${digest("sha-256")}, ${digest("sha-512", Buffer.from("x"))}`,
      "invalid",
      "not what",
    ],
    ["a digest that is cut short", `sha-256=:${Buffer.alloc(8).toString("base64")}:`, "invalid", "not what"],
    ["only digests that are unknown", "md5=:AAAA:", "malformed", "neither"],
    ["no dictionary", "(", "malformed", "no dictionary"],
    ["an empty field", "", "malformed", "neither"],
    ["a text", 'sha-256="x"', "malformed", "no byte sequence"],
  ])("with %s is refused", async (_, value, code, why) => {
    const told = await verdict(lines(value), params(), post(value));
    expect(told).toStartWith(`${code}_credentials`);
    expect(told).toContain(why);
  });

  test("whose digest is not covered is refused, unless the config lets it pass", async () => {
    const value = digest("sha-256");
    expect(await verdict(lines(undefined), params(), post(value))).toContain("does not cover content-digest");
    expect(await verdict(lines(undefined), params(), post(undefined))).toContain("does not cover content-digest");
    expect(await verdict(lines(undefined), params(), post(undefined), { contentDigest: false })).toBe("rfc/ed");
    const wrong = digest("sha-256", Buffer.from("hallo"));
    expect(await verdict(lines(wrong), params(), post(wrong), { contentDigest: false })).toContain("not what");
  });

  test("that is not there has the digest of nothing", async () => {
    const nothing = digest("sha-256", Buffer.alloc(0));
    expect(await verdict(lines(nothing), params(), post(nothing, null))).toBe("rfc/ed");
    expect(await verdict(lines(digest("sha-256")), params(), post(digest("sha-256"), null))).toContain("not what");
    expect(await verdict(lines(undefined), params(), post(undefined, null))).toBe("rfc/ed");
  });
});

describe("a nonce", () => {
  const ask = (
    it: ReturnType<typeof schemeOf>,
    nonce: string,
    key: "ed" | "mac" = "ed",
    created?: number,
  ): Promise<string> => it.judge(GET, ...signed(COVERED, params(`;nonce="${nonce}"`, key, created), key)).then(told);

  test("is good once for its key, as long as its signature could be good", async () => {
    const it = scheme();
    expect(await ask(it, "n")).toBe("rfc/ed");
    expect(await ask(it, "n")).toContain("the nonce has been used before by ed");
    expect(await ask(it, "n", "mac")).toBe("rfc/mac");
    it.platform.clock.time += 330_000;
    expect(await ask(it, "n")).toContain("used before");
    it.platform.clock.time += 390_000;
    expect(await ask(it, "n", "ed", NOW + 720)).toBe("rfc/ed");
  });

  test("is not used up by a signature that is refused", async () => {
    const it = scheme();
    const [input, signature] = signed(COVERED, params(';nonce="n"'));
    expect(told(await it.judge({ ...GET, method: "PUT" }, input, signature))).toContain("does not verify");
    expect(told(await it.judge(GET, input, signature))).toBe("rfc/ed");
  });

  test("of two that come at once lets one pass", async () => {
    const it = scheme();
    const results = await Promise.all([ask(it, "n"), ask(it, "n"), ask(it, "n")]);
    expect(results.filter((result) => result === "rfc/ed")).toHaveLength(1);
  });

  test("may be wanted", async () => {
    expect(await verdict(COVERED, params(), GET, { nonce: "required" })).toContain("it has no nonce");
    expect(await verdict(COVERED, params(';nonce="n"'), GET, { nonce: "required" })).toBe("rfc/ed");
  });

  test("too many at once are refused until some are of no use any more", async () => {
    const it = scheme({ maxNonces: 2 });
    expect(await ask(it, "1")).toBe("rfc/ed");
    expect(await ask(it, "2")).toBe("rfc/ed");
    expect(await ask(it, "3")).toStartWith("authentication_unavailable");
    expect(await ask(it, "3", "mac")).toBe("rfc/mac");
    it.platform.clock.time += 360_000;
    expect(await ask(it, "3", "ed", NOW + 360)).toBe("rfc/ed");
    expect(await ask(it, "2", "ed", NOW + 360)).toContain("used before");
  });
});
