// An issuer of tokens over HTTP: its metadata, its key set, and tokens for its API.
import { answering } from "./origin-exchange.ts";
import type { OriginOptions, RawOrigin } from "./raw-origin.ts";
import { issuerKey, token } from "./tokens.ts";

/** Serves metadata of OpenID Connect Discovery and the key set of these keys. */
export function issuerOrigin(...kids: readonly string[]): OriginOptions {
  return {
    behaviour: async (x) => {
      const { target, fields } = x.request;
      const url = `http://${fields.one("host")}`;
      const documents: Readonly<Record<string, object>> = {
        "/.well-known/openid-configuration": { issuer: url, jwks_uri: `${url}/keys` },
        "/keys": { keys: kids.map((kid) => issuerKey(kid).jwk) },
      };
      const body = JSON.stringify(documents[target] ?? {});
      const status = documents[target] === undefined ? "404 Not Found" : "200 OK";
      await answering(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)(x);
    },
  };
}

/** A token by key `k1` of an issuer, RS256, that is good for five minutes. */
export function tokenFrom(issuer: Pick<RawOrigin, "url"> | string, claims: object = {}): string {
  const iss = typeof issuer === "string" ? issuer : issuer.url;
  const exp = Math.floor(Date.now() / 1000) + 300;
  const all = { iss, aud: "https://api.example.com", sub: "u-1", exp, ...claims };
  return token({ alg: "RS256", kid: "k1", typ: "at+jwt" }, all, issuerKey("k1"));
}
