// From the place of keys in the plan to the source that a verifier asks.
import { importSPKI } from "jose";
import type { JwtPlan } from "../../config/auth/jwt.ts";
import type { TlsPlan } from "../../config/plan.ts";
import type { Secret } from "../../config/secrets.ts";
import type { ClientTls, Platform } from "../../platform.ts";
import { discoverKeySet } from "./discovery.ts";
import { FetchFailure, type FetchSettings, fetchText } from "../../http/fetch-text.ts";
import { FileKeys } from "./file-keys.ts";
import { readJwks } from "./jwk.ts";
import { FixedKeys, type KeySource } from "./key-source.ts";
import { KeySet, makeKeySet } from "./key-set.ts";
import { type LoadKeys, RemoteKeys } from "./remote-keys.ts";

/** Begins to read the keys, and to fetch them where they must be fetched. */
export function keySource(plan: JwtPlan, platform: Platform): KeySource {
  const { keys, keySet, algorithms, name } = plan;
  const title = `auth.${name}`;
  switch (keys.from) {
    case "secret":
      return new FixedKeys(
        secretKeys(keys.secret, algorithms!, platform),
        `${title}.secret: this runtime cannot use it`,
        platform,
      );
    case "pem":
      return new FixedKeys(
        publicKeys(keys.pem, keys.algorithms),
        `${title}.publicKey: this runtime cannot use it`,
        platform,
      );
    case "file":
      return new FileKeys(`${title}.jwks`, platform, keys, algorithms);
    case "url":
    case "issuer": {
      const place = keys.from === "url" ? keys.url : keys.issuer;
      const settings = { platform, tls: clientTls(keySet.tls) };
      const load =
        keys.from === "url" ? loadFrom(settings, keys.url, algorithms) : loadOf(settings, keys.issuer, algorithms);
      return new RemoteKeys(`${title}: the keys of ${place}`, platform, keySet, load);
    }
  }
}

async function secretKeys(secret: Secret, algorithms: readonly string[], { subtle }: Platform): Promise<KeySet> {
  const bytes = new TextEncoder().encode(secret.reveal());
  const imported = algorithms.map(async (algorithm) => {
    const hash = `SHA-${algorithm.slice(2)}`;
    return [algorithm, await subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["verify"])] as const;
  });
  return new KeySet([{ kid: undefined, byAlgorithm: new Map(await Promise.all(imported)), mark: "", gone: false }]);
}

async function publicKeys(pem: string, algorithms: readonly string[]): Promise<KeySet> {
  const imported = algorithms.map(async (algorithm) => [algorithm, await importSPKI(pem, algorithm)] as const);
  return new KeySet([{ kid: undefined, byAlgorithm: new Map(await Promise.all(imported)), mark: "", gone: false }]);
}

/** Of a URL that the config names. */
function loadFrom(settings: FetchSettings, url: string, allowed: readonly string[] | undefined): LoadKeys {
  return async (signal, before) => {
    const read = readJwks(await fetchText(settings, url, signal), allowed);
    if (typeof read === "string") throw new FetchFailure(`${url}: ${read.replace(/^It/, "it").replace(/\.$/, "")}`);
    const set = await makeKeySet(read.keys, before);
    if (set.keys.length === 0) throw new FetchFailure(`${url}: it holds no key that this runtime can use`);
    return set;
  };
}

/** Of the URL that an issuer names, which is asked for anew when it ceases to serve. */
function loadOf(settings: FetchSettings, issuer: string, allowed: readonly string[] | undefined): LoadKeys {
  let url: string | undefined;
  return async (signal, before) => {
    url ??= await discoverKeySet(settings, issuer, signal);
    try {
      return await loadFrom(settings, url, allowed)(signal, before);
    } catch (thrown) {
      url = undefined;
      throw thrown;
    }
  };
}

/** TLS as the plan says; undefined where it says nothing, and the runtime's own trust holds. */
function clientTls(plan: TlsPlan): ((host: string) => ClientTls) | undefined {
  const { serverName, ca, cert, key, verify } = plan;
  if (serverName === undefined && ca === undefined && cert === undefined && verify) return undefined;
  return (host) => ({ serverName: serverName ?? host, ca, cert, key: key?.reveal(), verify });
}
