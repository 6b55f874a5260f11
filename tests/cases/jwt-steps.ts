// The tokens of GW-43 and GW-44 in words, made; and the steps of GW-44: bursts of tokens, and an issuer that fails.
import { answering, type Behaviour } from "../support/origin-exchange.ts";
import { elapse } from "../support/deadline.ts";
import { connect, exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { issuerKey, token, unsigned } from "../support/tokens.ts";
import type { Json, Step } from "./format.ts";

const ISSUER = "https://iss.test";

const seconds = (): number => Math.floor(Date.now() / 1000);
const claims = (): object => ({ iss: ISSUER, aud: "svc", sub: "u", exp: seconds() + 300 });
const header = (more: object = {}): object => ({ alg: "RS256", kid: "k1", ...more });

/** HMAC secrets in the words of the case. */
function secretOf(words: string): string | Uint8Array {
  const key = issuerKey("k1");
  if (words.startsWith("SPKI PEM")) return words.includes("without") ? key.pem.trimEnd() : key.pem;
  if (words.startsWith("SPKI DER")) return key.publicKey.export({ type: "spki", format: "der" });
  if (words.startsWith("the JWK")) return JSON.stringify(key.jwk);
  if (words.startsWith("the n member")) return String(key.jwk["n"]);
  if (words === "empty") return "";
  throw new Error(`no secret is known by the words ${words}`);
}

type Maker = (words: RegExpExecArray, evil: string) => string;

/** The first that fits the words makes the token. */
const TOKENS: readonly (readonly [words: RegExp, make: Maker])[] = [
  [/^RS256, kid k1, signed with the private key of k1$/, () => token(header(), claims(), issuerKey("k1"))],
  [/^(HS\d+), kid k1, HMAC secret = (.*)$/, ([, alg, secret]) => token(header({ alg }), claims(), secretOf(secret!))],
  [/^alg (\w+), empty signature$/, ([, alg]) => unsigned(header({ alg }), claims())],
  [
    /^alg none, with the signature of the control token$/,
    () => unsigned(header({ alg: "none" }), claims(), token(header(), claims(), issuerKey("k1")).split(".")[2]),
  ],
  [/^header without alg$/, () => token({ kid: "k1" }, claims(), issuerKey("k1"))],
  [/^RS256, kid k1, signed with another RSA key$/, () => token(header(), claims(), issuerKey("evil"))],
  [
    /^RS256 with an embedded jwk header/,
    () => token(header({ kid: "evil", jwk: issuerKey("evil").jwk }), claims(), issuerKey("evil")),
  ],
  [
    /^RS256 with jku to http/,
    (_, evil) => token(header({ kid: "evil", jku: `${evil}/jwks` }), claims(), issuerKey("evil")),
  ],
  [/^RS256, kid "(.*)"$/, ([, kid]) => token(header({ kid }), claims(), issuerKey("k1"))],
  [
    /^RS256, kid k1, header crit \["x-unknown"\]/,
    () => token(header({ crit: ["x-unknown"], "x-unknown": 1 }), claims(), issuerKey("k1")),
  ],
  [/^PS256, kid k1, signed right/, () => token(header({ alg: "PS256" }), claims(), issuerKey("k1"))],
  [
    /^control token with one payload bit flipped$/,
    () => {
      const [head, , signature] = token(header(), claims(), issuerKey("k1")).split(".");
      return `${head}.${Buffer.from(JSON.stringify(claims()).replace('"u"', '"t"')).toString("base64url")}.${signature}`;
    },
  ],
  [/^control token with two extra dots$/, () => `${token(header(), claims(), issuerKey("k1"))}..`],
  [/^valid (k\d)$/, ([, kid]) => token(header({ kid }), claims(), issuerKey(kid!))],
  [
    /^(?:RS256 with a random kid each, random key|unknown kid)$/,
    () => token(header({ kid: crypto.randomUUID() }), claims(), issuerKey("evil")),
  ],
];

/** The token of these words. `evil` is the URL of the server that must never be called. */
export function tokenOf(words: string, evil = ""): string {
  for (const [pattern, make] of TOKENS) {
    const found = pattern.exec(words);
    if (found !== null) return make(found, evil);
  }
  throw new Error(`no token is known by the words ${words}`);
}

/** What the server `jwks` does: `keys` are the kids of its set, `state` how it fails. */
export interface IssuerState {
  keys: readonly string[];
  state: "serving" | "down500" | "hang";
  /** Milliseconds before each answer. */
  readonly delayMs: number;
}

/** Serves a key set without `alg`. */
export function issuing(issuer: IssuerState): Behaviour {
  return async (x) => {
    await x.wait(issuer.delayMs);
    if (issuer.state === "hang") return await x.hang();
    const body = JSON.stringify({ keys: issuer.keys.map((kid) => issuerKey(kid).jwk) });
    const status = issuer.state === "serving" ? "200 OK" : "500 Down";
    await answering(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)(x);
  };
}

/** What the steps need of a run. */
export interface JwtRun {
  readonly port: number;
  readonly origins: Record<string, RawOrigin>;
  readonly results: Record<string, unknown>;
  readonly issuer: IssuerState;
  restart(): Promise<void>;
}

interface Outcome {
  readonly status: number;
  readonly ms: number;
}

const ask = (words: string): string =>
  `GET /j HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Bearer ${tokenOf(words)}\r\n`;

async function askAlone(port: number, words: string): Promise<Outcome> {
  const began = performance.now();
  const { status } = await exchange(port, `${ask(words)}Connection: close\r\n\r\n`);
  return { status, ms: performance.now() - began };
}

/** `count_200` and its like, the last status, and how long it took: the one, or the longest of several. */
function summary(outcomes: readonly Outcome[]): Record<string, unknown> {
  const longest = Math.max(...outcomes.map(({ ms }) => ms));
  const count = (status: number): number => outcomes.filter((outcome) => outcome.status === status).length;
  return {
    count_200: count(200),
    count_401: count(401),
    status: outcomes.at(-1)?.status,
    t_ms: outcomes.length === 1 ? longest : { max: longest },
  };
}

type JwtOperation = (run: JwtRun, step: Step) => Promise<void> | void;

/** Waits behind `issuer.state`: closed ports are opened again at the same number. */
async function setIssuer(run: JwtRun, { state, serve }: { state?: string; serve?: readonly string[] }): Promise<void> {
  const { jwks } = run.origins;
  if (state === "refused") return jwks!.stop();
  run.issuer.state = (state ?? "serving") as IssuerState["state"];
  if (serve !== undefined) run.issuer.keys = serve;
  if (!jwks!.listening) run.origins["jwks"] = await startOrigin({ behaviour: issuing(run.issuer), port: jwks!.port });
}

/** By name. */
export const JWT_OPERATIONS: Readonly<Record<string, JwtOperation>> = {
  set: (run, step) => setIssuer(run, step as { state?: string; serve?: readonly string[] }),
  mark_hits: (run, step) => {
    run.results[step.as!] = run.origins["jwks"]!.requests.length;
  },
  burst: async (run, step) => {
    const client = await connect(run.port);
    const outcomes: Outcome[] = [];
    try {
      for (let left = Number(step["n"]); left > 0; left--) {
        const began = performance.now();
        await client.send(`${ask(String(step["token"]))}\r\n`);
        const { status } = await client.receive({ timeoutMs: 8000 });
        outcomes.push({ status, ms: performance.now() - began });
      }
    } finally {
      client.close();
    }
    run.results[step.as!] = summary(outcomes);
  },
  burst_parallel: async (run, step) => {
    const asked = Array.from({ length: Number(step["n"]) }, () => askAlone(run.port, String(step["token"])));
    run.results[step.as!] = summary(await Promise.all(asked));
  },
  mixed_load: async (run, step) => {
    const parts = step["parts"] as unknown as readonly { n: number; token: string }[];
    const spread = async ({ n, token }: { n: number; token: string }): Promise<Outcome[]> => {
      const asked = Array.from({ length: n }, async (_, i) => {
        await elapse((Number(step["ms"]) * i) / n);
        return askAlone(run.port, token);
      });
      return Promise.all(asked);
    };
    const outcomes = await Promise.all(parts.map(spread));
    run.results[step.as!] = Object.fromEntries(
      parts.map(({ token }, i) => [token.startsWith("valid") ? "valid" : "random", summary(outcomes[i]!)]),
    );
  },
  restart_gateway: async (run, step) => {
    await setIssuer(run, { state: String(step["with_jwks_state"]) });
    await run.restart();
  },
  retry_until_200: async (run, step) => {
    const deadline = performance.now() + Number(step["max_ms"]);
    let last: Outcome = { status: 0, ms: 0 };
    while (last.status !== 200 && performance.now() < deadline) {
      last = await askAlone(run.port, String(step["token"]));
      if (last.status !== 200) await elapse(100);
    }
    run.results[step.as!] = { ok: last.status === 200, count_200: last.status === 200 ? 1 : 0 };
  },
};

/** How many answers of 200 there were in all steps. */
export function count200(results: Readonly<Record<string, unknown>>): number {
  let count = 0;
  for (const result of Object.values(results)) {
    if (typeof result !== "object" || result === null) continue;
    const { count_200: direct } = result as Record<string, Json>;
    count += typeof direct === "number" ? direct : count200(result as Record<string, unknown>);
  }
  return count;
}
