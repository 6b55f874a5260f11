// Where an issuer's key set is: OpenID Connect Discovery 1.0 section 4, and RFC 8414 section 3 where that is not served.
import { FetchFailure, fetchText, type FetchSettings } from "../../http/fetch-text.ts";
import { isSafeUrl } from "../../http/safe-url.ts";

/**
 * The `jwks_uri` of the issuer's metadata. The document must name the very issuer, or its keys would be believed for
 * another (RFC 8414 section 3.3).
 * @throws FetchFailure
 */
export async function discoverKeySet(settings: FetchSettings, issuer: string, signal: AbortSignal): Promise<string> {
  const base = issuer.replace(/\/$/, "");
  const { origin } = new URL(base);
  const places = [
    `${base}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${base.slice(origin.length)}`,
  ];
  let first: FetchFailure | undefined;
  for (const place of places) {
    try {
      return keySetIn(place, await fetchText(settings, place, signal), issuer);
    } catch (thrown) {
      const failure = thrown instanceof FetchFailure ? thrown : new FetchFailure(`${place}: it cannot be read`);
      // Only where nothing is served is there a reason to look in the other place; its answer is less telling then.
      if (failure.status === undefined || failure.status < 400 || failure.status > 499) throw first ?? failure;
      first ??= failure;
    }
  }
  throw first!;
}

function keySetIn(place: string, text: string, issuer: string): string {
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch {
    throw new FetchFailure(`${place}: it is no JSON`);
  }
  const { issuer: named, jwks_uri: url } = Object(metadata) as { issuer?: unknown; jwks_uri?: unknown };
  if (named !== issuer) {
    throw new FetchFailure(
      `${place}: its issuer is ${JSON.stringify(named)?.slice(0, 200)}, not ${JSON.stringify(issuer)}`,
    );
  }
  if (typeof url !== "string" || !isSafeUrl(url, issuer)) {
    throw new FetchFailure(`${place}: its jwks_uri is no https URL`);
  }
  return url;
}
