// Tokens for the works `jwt` and `jwt-distinct`: an RSA key, its public half in PEM, and as many RS256 tokens as it takes.
import { generateKeyPairSync, sign } from "node:crypto";
import type { Workshop } from "./workshop.ts";

/** What the tokens say; every contender checks it. */
export const ISSUER = "https://login.example.com";
/** The same. */
export const AUDIENCE = "orders";

/** Tokens of one issuer. */
export interface BearerTokens {
  /** File with the public key. */
  readonly publicKey: string;
  /** The one that stands in every request of `jwt`. */
  readonly token: string;
  /** A script for wrk that sends a token of its own with each request, in turn. Made when first asked for. */
  distinct(): string;
}

/** More than Sluice keeps (10 000): going round, none is known any more when its turn comes again. */
const DISTINCT = 12_000;

/** Makes the key and one token; the others take seconds. */
export function bearerTokens(workshop: Workshop): BearerTokens {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 6 * 3600;
  const token = (number: number): string => {
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: `user-${number}`, exp, iat: exp - 3600, scope: "orders:read" };
    const input = `${part({ alg: "RS256", typ: "at+jwt", kid: "k1" })}.${part(claims)}`;
    return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
  };
  let script: string | undefined;
  return {
    publicKey: workshop.write("issuer.pem", publicKey.export({ type: "spki", format: "pem" })),
    token: token(0),
    distinct() {
      if (script !== undefined) return script;
      const list = workshop.write("tokens.txt", Array.from({ length: DISTINCT }, (_, i) => `${token(i)}\n`).join(""));
      script = workshop.write("distinct.lua", WRK_SCRIPT.replace("LIST", list));
      return script;
    },
  };
}

const WRK_SCRIPT = `local requests = {}
local turn = 0
function init()
  for token in io.lines("LIST") do
    requests[#requests + 1] = wrk.format("GET", nil, { Authorization = "Bearer " .. token })
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
`;
