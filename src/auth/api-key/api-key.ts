// API keys: found by the hash of what the client shows, never compared with anything stored in clear.
import { LRUCache } from "lru-cache";
import type { ApiKeyPlan } from "../../config/auth/api-key.ts";
import type { Identity } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import { latin1Bytes } from "../../http/latin1.ts";
import { bearerChallenge } from "../bearer.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { type KeyPlace, shownKey } from "./credential.ts";
import { checksumHolds } from "./key-form.ts";

/** Most characters of a key: a longer one is refused before it is hashed. */
export const LONGEST_KEY = 512;
/** Most identities that are kept: what else is remembered of a caller hangs on them. */
const MOST_IDENTITIES = 16_384;

/** The scheme of a plan with `kind: "api-key"`; keys are looked up in the table that `services.keys` returns. */
export function createApiKey(plan: ApiKeyPlan, { platform, keys, revoked }: AuthServices): Scheme {
  const { name, realm, header, bearer, query } = plan;
  const known = keys();
  /** By the key's place in the table: another table has other places. */
  const identities = new LRUCache<number, Identity>({ max: MOST_IDENTITIES });
  let table = known.table;
  const refusedBearer = new WeakSet<GatewayError>();
  const refuse = (refusal: GatewayError, place: KeyPlace): GatewayError => {
    if (place === "bearer") refusedBearer.add(refusal);
    return refusal;
  };
  const judge = (digest: Uint8Array, key: string, shownIn: KeyPlace): Verdict => {
    if (table !== known.table) {
      identities.clear();
      table = known.table;
    }
    const place = table.find(digest);
    if (place < 0) return refuse(unknown(key), shownIn);
    if (revoked?.has(digest) === true) return refuse(revokedKey(table.idOf(place)), shownIn);
    if (platform.wallClock() >= table.expiryOf(place)) return refuse(expired(table.idOf(place)), shownIn);
    let identity = identities.get(place);
    if (identity === undefined) {
      const consumer = known.consumers[table.ownerOf(place)]!;
      identity = { scheme: name, consumer, subject: table.idOf(place), scopes: [], claims: {}, fields: [] };
      identities.set(place, identity);
    }
    return identity;
  };
  const fields = [...(header === undefined ? [] : [header]), ...(bearer ? ["authorization"] : [])];
  const asField = header !== undefined || query !== undefined ? [`ApiKey realm="${realm}"`] : [];
  return {
    name,
    observe: plan.observe,
    credentialFields: fields,
    credentialParameters: query === undefined ? [] : [query],
    forwards: plan.forward,
    identify(x) {
      const shown = shownKey(x, plan);
      if (shown === undefined) return undefined;
      const { key, place } = shown;
      if (typeof key !== "string") return refuse(key, place);
      if (key.length > LONGEST_KEY) return refuse(tooLong(), place);
      const digest = platform.sha256(latin1Bytes(key));
      return digest instanceof Promise ? digest.then((bytes) => judge(bytes, key, place)) : judge(digest, key, place);
    },
    challenge(refusal) {
      if (!bearer) return asField[0];
      const spoken = refusal !== undefined && refusedBearer.has(refusal);
      return [...asField, bearerChallenge(realm, spoken ? refusal : undefined)].join(", ");
    },
  };
}

function unknown(key: string): GatewayError {
  const typo = checksumHolds(key) === false ? "; its checksum is wrong: a typo, or a part is missing" : "";
  return new GatewayError("invalid_credentials", `no consumer has this API key${typo}`);
}

function revokedKey(id: string): GatewayError {
  return new GatewayError("invalid_credentials", `the API key ${id} is revoked`);
}

function expired(id: string): GatewayError {
  return new GatewayError("invalid_credentials", `the API key ${id} has expired`);
}

function tooLong(): GatewayError {
  return new GatewayError("invalid_credentials", `the API key is longer than ${LONGEST_KEY} characters`);
}
