// JWT on the executable: the example config, and tokens that other implementations made.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { certificates } from "../../support/certificates.ts";
import { until } from "../../support/deadline.ts";
import { issuerOrigin, tokenFrom } from "../../support/issuer.ts";
import { get, problemOf, request } from "../../support/messages.ts";
import { pathOfTool } from "../../support/requirements.ts";
import { exchange } from "../../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../../support/raw-origin.ts";
import { startGateway } from "../../support/executable.ts";
import { withGateway } from "../../support/rig.ts";
import { base64url, issuerKey, token } from "../../support/tokens.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../../examples/auth/jwt.config.ts"), "utf8");
const SECRET = "correct horse battery staple, and some more";
const bearer = (text: string): string => `Authorization: Bearer ${text}`;

/** The example, at a port of the system's choice, with the packages of this repository. */
function exampleWith(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .reduce((text, [name, value]) => text.replaceAll(`env("${name}")`, JSON.stringify(value)), EXAMPLE)
    .replace("port: 8080", "port: 0")
    .replace('"valibot"', JSON.stringify(Bun.resolveSync("valibot", import.meta.dir)));
}

withGateway(
  "the example of jwt",
  {
    origins: { orders: {}, issuer: issuerOrigin("k1") },
    config: ({ orders, issuer }) => exampleWith({ ORDERS: orders.url, ISSUER: issuer.url }),
    start: { env: { PARTNER_SECRET: SECRET } },
  },
  (rig) => {
    const ours = (claims: object = {}): string => bearer(tokenFrom(rig.origins.issuer, claims));
    const theirs = (claims: object = {}): string => {
      const exp = Math.floor(Date.now() / 1000) + 60;
      const all = { iss: "https://partner.example", aud: "https://api.example.com", sub: "p", exp, ...claims };
      return bearer(token({ alg: "HS256" }, all, SECRET));
    };

    test("finds the issuer's keys, lets its tokens in, and tells the upstream who calls", async () => {
      const answer = await rig.exchange(
        get("/orders/1", ours({ scope: "orders:read", client_id: "client-7" }), "X-User: root", "X-Consumer: root"),
      );
      expect(answer.status).toBe(200);
      const { fields } = rig.origins.orders.requests.at(-1)!;
      expect(fields.all("x-user")).toEqual(["u-1"]);
      expect(fields.all("x-consumer")).toEqual(["acme"]);
      expect(fields.all("authorization")).toHaveLength(1);
      expect(rig.origins.issuer.requests.map(({ target }) => target)).toEqual([
        "/.well-known/openid-configuration",
        "/keys",
      ]);
    });

    const CHALLENGE = 'Bearer realm="sluice"';
    test.each<[name: string, raw: () => string, status: number, code: string, challenges: string[]]>([
      ["no token", () => get("/orders/1"), 401, "authentication_required", [CHALLENGE, CHALLENGE]],
      [
        "a token without the scope",
        () => get("/orders/1", ours({ scope: "x" })),
        403,
        "insufficient_scope",
        [`${CHALLENGE}, error="insufficient_scope", scope="orders:read"`],
      ],
      [
        "a token that has expired",
        () => request("POST", "/orders/1", "x", ours({ exp: 1 })),
        401,
        "invalid_credentials",
        [`${CHALLENGE}, error="invalid_token", error_description="The token has expired."`],
      ],
      [
        "a token for another API",
        () => request("POST", "/orders/1", "x", ours({ aud: "https://other.example" })),
        401,
        "invalid_credentials",
        [`${CHALLENGE}, error="invalid_token", error_description="The token is for another audience."`],
      ],
      [
        "claims that do not fit the schema",
        () => request("POST", "/orders/1", "x", ours({ level: "high" })),
        401,
        "invalid_credentials",
        [
          `${CHALLENGE}, error="invalid_token", error_description="The claims of the token are not what is wanted here."`,
        ],
      ],
      [
        "what is no token",
        () => request("POST", "/orders/1", "x", bearer("a,b")),
        400,
        "malformed_credentials",
        [`${CHALLENGE}, error="invalid_request", error_description="The Bearer token is malformed."`],
      ],
      [
        "a caller of no partner",
        () => request("POST", "/orders/1", "x", ours({ scope: "orders:write" })),
        403,
        "access_denied",
        [],
      ],
      ["another tenant", () => get("/tenants/b/x", ours({ tenant: "a", level: 3 })), 403, "access_denied", []],
    ])("refuses %s", async (_, raw, status, code, challenges) => {
      const before = rig.origins.orders.requests.length;
      const answer = await rig.exchange(raw());
      expect(answer.status).toBe(status);
      expect(problemOf(answer).code).toBe(code);
      expect(answer.fields.all("www-authenticate")).toEqual(challenges);
      expect(rig.origins.orders.requests).toHaveLength(before);
    });

    test("lets in by two issuers, a type, and a function", async () => {
      const passing = [
        get("/orders/1", theirs({ scope: "orders:read" })),
        request("POST", "/orders/1", "x", ours({ scope: "orders:read orders:write", sub: "client-7" })),
        get("/tenants/a/x", ours({ tenant: "a", level: 2 })),
        request("HEAD", "/orders/1", "", ours({ scope: "orders:read" })),
      ];
      for (const raw of passing) {
        expect((await rig.exchange(raw, { method: raw.split(" ")[0]! })).status).toBe(200);
      }
      expect((await rig.exchange(get("/me", ours()))).body.text).toBe('{"tenant":"public"}');
    });

    test("writes neither tokens nor secrets to its log", async () => {
      const secretToken = tokenFrom(rig.origins.issuer, { aud: "x" });
      await rig.exchange(request("POST", "/orders/1", "x", bearer(secretToken)));
      const told = (): boolean => rig.gateway.lines.some((line) => line.includes('"aud\\" of the token does not fit'));
      await until(told, "the refusal in the log");
      const all = rig.gateway.lines.join("\n") + rig.gateway.stderr.text;
      for (const part of secretToken.split(".")) expect(all).not.toContain(part);
      expect(all).not.toContain(SECRET);
    });
  },
);

test("an issuer that is not there stops nobody from starting: 503, and then it comes", async () => {
  const gone = await startOrigin(issuerOrigin("k1"));
  const { port } = gone;
  await gone.stop();
  const orders = await startOrigin();
  const gateway = await startGateway(exampleWith({ ORDERS: orders.url, ISSUER: gone.url }), {
    env: { PARTNER_SECRET: SECRET },
  });
  const raw = get("/orders/1", bearer(tokenFrom(gone.url, { scope: "orders:read" })));
  const answer = await exchange(gateway.port, raw);
  expect(answer.status).toBe(503);
  expect(problemOf(answer).code).toBe("authentication_unavailable");
  expect(answer.fields.all("retry-after")).toEqual([expect.stringMatching(/^[12]$/)]);
  expect(gateway.stderr.text).toContain("cannot be had");
  const issuer = await startOrigin({ ...issuerOrigin("k1"), port });
  await until(async () => (await exchange(gateway.port, raw)).status === 200, "the keys");
  expect(gateway.stderr.text).toContain("are here again");
  await gateway.stop();
  await issuer.stop();
  await orders.stop();
});

withGateway(
  "keys over TLS",
  {
    needs: ["openssl"],
    origins: () => ({
      issuer: { ...issuerOrigin("k1"), tls: certificates().named },
      expired: { ...issuerOrigin("k1"), tls: certificates().expired },
    }),
    config: ({ issuer, expired }) => {
      const tls = { ca: certificates().ca.cert, serverName: "up.internal.test" };
      const scheme = (origin: RawOrigin, more: object): string =>
        `jwt(${JSON.stringify({ issuer: "tls", audience: "https://api.example.com", jwks: `${origin.url}/keys`, ...more })})`;
      return `import { defineGateway, jwt } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  auth: {
    right: ${scheme(issuer, { tls })},
    stranger: ${scheme(issuer, {})},
    other: ${scheme(issuer, { tls: { ...tls, serverName: "other.internal.test" } })},
    expired: ${scheme(expired, { tls })},
  },
  routes: {
    ${["right", "stranger", "other", "expired"].map((name) => `${name}: { match: "/${name}", auth: "${name}", answer: {} }`).join(",\n    ")},
  },
});
`;
    },
  },
  (rig) => {
    test.each([
      ["right", 200],
      ["stranger", 503],
      ["other", 503],
      ["expired", 503],
    ])("%s: %p", async (name, status) => {
      expect((await rig.exchange(get(`/${name}`, bearer(tokenFrom("tls"))))).status).toBe(status);
    });
  },
);

/** Tokens by the command line of openssl, in the ways its manual shows. */
class OpenSsl {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-openssl-"));

  run(words: readonly string[], input: string | Uint8Array = ""): Buffer {
    const done = Bun.spawnSync([pathOfTool("openssl"), ...words], {
      cwd: this.folder,
      stdin: Buffer.from(input),
      stderr: "pipe",
    });
    if (!done.success) throw new Error(`openssl ${words.join(" ")}: ${done.stderr.toString()}`);
    return done.stdout;
  }

  /** A new private key in `<name>.pem`; gives the public one in PEM. */
  key(name: string, ...algorithm: string[]): string {
    this.run(["genpkey", ...algorithm, "-out", `${name}.pem`]);
    return this.run(["pkey", "-in", `${name}.pem`, "-pubout"]).toString();
  }

  token(alg: string, claims: object, name: string): string {
    const input = `${base64url(JSON.stringify({ alg, typ: "JWT" }))}.${base64url(JSON.stringify(claims))}`;
    return `${input}.${base64url(this.#signature(alg, input, name))}`;
  }

  #signature(alg: string, input: string, name: string): Buffer {
    const digest = `-sha${alg.slice(2)}`;
    if (alg === "EdDSA") {
      writeFileSync(join(this.folder, "input"), input);
      return this.run(["pkeyutl", "-sign", "-rawin", "-inkey", `${name}.pem`, "-in", "input"]);
    }
    if (alg.startsWith("HS")) return this.run(["dgst", digest, "-hmac", name, "-binary"], input);
    const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
    const made = this.run(["dgst", digest, "-sign", `${name}.pem`, ...(alg.startsWith("PS") ? pss : [])], input);
    if (!alg.startsWith("ES")) return made;
    // A SEQUENCE of two INTEGERs; a token has both numbers at their full length (RFC 7518 section 3.4).
    const text = this.run(["asn1parse", "-inform", "DER"], made).toString();
    const size = alg === "ES512" ? 132 : Number(alg.slice(2)) / 4;
    const numbers = [...text.matchAll(/INTEGER\s+:([0-9A-F]+)/g)].map(([, hex]) => hex!.padStart(size, "0"));
    return Buffer.from(numbers.join(""), "hex");
  }
}

const PEERS = [
  ["RS256", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  ["PS384", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
  ["ES256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  ["ES384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  ["ES512", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
  ["EdDSA", "-algorithm", "ED25519"],
] as const;

describe("made by others:", () => {
  let openssl: OpenSsl | undefined;
  afterAll(() => {
    if (openssl !== undefined) rmSync(openssl.folder, { recursive: true });
  });
  const claims = { iss: "peer", aud: "svc", sub: "peer-1", exp: Math.floor(Date.now() / 1000) + 600 };
  const python = (alg: string, secret: string): string => {
    const script = `
import base64, hashlib, hmac, json, sys
part = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")
head = part(json.dumps({"alg": "${alg}", "typ": "JWT"}).encode())
body = part(json.dumps(${JSON.stringify(claims)}).encode())
sign = hmac.new(sys.argv[1].encode(), head + b"." + body, hashlib.sha${alg.slice(2)}).digest()
print((head + b"." + body + b"." + part(sign)).decode())
`;
    const done = Bun.spawnSync([pathOfTool("python3"), "-c", script, secret]);
    if (!done.success) throw new Error(done.stderr.toString());
    return done.stdout.toString().trim();
  };

  withGateway(
    "tokens",
    {
      needs: ["openssl", "python3"],
      origins: { up: {} },
      config: ({ up }) => {
        openssl = new OpenSsl();
        const maker = openssl;
        const schemes = PEERS.map(([alg, ...algorithm]) => {
          const pem = maker.key(alg, ...algorithm);
          return `${alg}: jwt({ ...common, publicKey: ${JSON.stringify(pem)}, algorithms: ["${alg}"] })`;
        });
        const routes = [...PEERS.map(([alg]) => alg), "HS256", "HS512"].map(
          (alg) => `${alg}: { match: "/${alg}", to: "up", auth: "${alg}" }`,
        );
        return `import { defineGateway, env, jwt } from "sluice";
const common = { issuer: "peer", audience: "svc" };
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: [${JSON.stringify(up.url)}] } },
  auth: {
    ${schemes.join(",\n    ")},
    HS256: jwt({ ...common, secret: env("S"), algorithms: ["HS256"] }),
    HS512: jwt({ ...common, secret: env("S"), algorithms: ["HS512"] }),
  },
  routes: {
    ${routes.join(",\n    ")},
  },
});
`;
      },
      start: { env: { S: SECRET.repeat(2) } },
    },
    (rig) => {
      const passes = async (alg: string, text: string): Promise<number> =>
        (await rig.exchange(get(`/${alg}`, bearer(text)))).status;

      test.each(PEERS.map(([alg]) => alg))("openssl, %s", async (alg) => {
        const made = openssl!.token(alg, claims, alg);
        expect(await passes(alg, made)).toBe(200);
        expect(await passes(alg, openssl!.token(alg, { ...claims, exp: 1 }, alg))).toBe(401);
        const [head, , signature] = made.split(".");
        expect(await passes(alg, `${head}.${base64url(JSON.stringify({ ...claims, sub: "x" }))}.${signature}`)).toBe(
          401,
        );
      });

      test.each(["HS256", "HS512"])("openssl and Python, %s", async (alg) => {
        const secret = SECRET.repeat(2);
        expect(await passes(alg, openssl!.token(alg, claims, secret))).toBe(200);
        expect(await passes(alg, python(alg, secret))).toBe(200);
        expect(await passes(alg, python(alg, `${secret}x`))).toBe(401);
      });

      test("none passes on the route of another", async () => {
        expect(await passes("ES256", openssl!.token("RS256", claims, "RS256"))).toBe(401);
        expect(await passes("RS256", openssl!.token("PS384", claims, "PS384"))).toBe(401);
        expect(await passes("HS256", openssl!.token("RS256", claims, "RS256"))).toBe(401);
      });
    },
  );
});

describe("a key set in a file", () => {
  let keyFile = "";
  afterAll(() => rmSync(dirname(keyFile), { recursive: true }));
  withGateway(
    "beside the config",
    {
      origins: { up: {} },
      config: ({ up }) => {
        const folder = mkdtempSync(join(tmpdir(), "sluice-keys-"));
        const path = join(folder, "keys.json");
        writeFileSync(path, JSON.stringify({ keys: [issuerKey("k1").jwk] }));
        keyFile = path;
        return `import { defineGateway, jwt } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  upstreams: { up: { targets: [${JSON.stringify(up.url)}] } },
  auth: { token: jwt({ issuer: "file", audience: "https://api.example.com", jwks: ${JSON.stringify(path)} }) },
  routes: { all: { match: "/*", to: "up", auth: "token" } },
});
`;
      },
    },
    (rig) => {
      test("is read again when it changes; a broken file changes nothing", async () => {
        const status = async (kid: string): Promise<number> => {
          const exp = Math.floor(Date.now() / 1000) + 300;
          const all = { iss: "file", aud: "https://api.example.com", exp, jti: crypto.randomUUID() };
          const text = token({ alg: "RS256", kid }, all, issuerKey(kid));
          return (await rig.exchange(get("/x", bearer(text)))).status;
        };
        expect([await status("k1"), await status("k2")]).toEqual([200, 401]);
        writeFileSync(keyFile, '{"keys":');
        const broken = "It is no JSON. The keys that are known serve on.";
        await until(() => rig.gateway.stderr.text.includes(broken), broken);
        expect([await status("k1"), await status("k2")]).toEqual([200, 401]);
        writeFileSync(keyFile, JSON.stringify({ keys: [issuerKey("k2").jwk] }));
        await until(async () => (await status("k2")) === 200, "the new key");
        expect(await status("k1")).toBe(401);
      });
    },
  );
});
