// What operators may do to API keys while the gateway runs: revoke one at once, wherever it is written, and take that back.
import type { KeyControls, KeyNamed, KeyStatus } from "./admin/overseen.ts";
import { type KeysNow, keysNow, type WatchNeeds } from "./auth/api-key/known-keys.ts";
import { KEY_HASH } from "./auth/api-key/key-rules.ts";
import { MOST_REVOKED, type RevokedKeys } from "./auth/api-key/revoked-keys.ts";
import type { AuthPlan } from "./config/auth/plan.ts";
import { GatewayError } from "./errors.ts";
import { latin1Bytes } from "./http/latin1.ts";
import type { Platform } from "./platform.ts";
import { type Revoked, RevokedFile } from "./revoked-file.ts";

/** A key that is revoked, as another process comes to know of it. Plain values. */
export interface Revocation {
  /** Of the key, in hexadecimal digits. */
  readonly hash: string;
  readonly status: KeyStatus;
}

/** Of all keys of a gateway; where several workers serve, of all workers at once. */
export class KeyControl implements KeyControls {
  readonly #revoked: RevokedKeys;
  readonly #auth: () => AuthPlan;
  readonly #platform: Pick<Platform, WatchNeeds | "wallClock" | "sha256">;
  /** By digest in hexadecimal digits. */
  readonly #list = new Map<string, Revoked>();

  readonly #file: RevokedFile | undefined;

  /**
   * @param auth of the plan that runs
   * @param path of the file in which revocations are kept
   */
  constructor(
    revoked: RevokedKeys,
    auth: () => AuthPlan,
    platform: Pick<Platform, WatchNeeds | "wallClock" | "sha256">,
    path: string | undefined,
  ) {
    this.#revoked = revoked;
    this.#auth = auth;
    this.#platform = platform;
    this.#file = path === undefined || platform.files === undefined ? undefined : new RevokedFile(path, platform.files);
  }

  load(): void {
    for (const each of this.#file?.load() ?? []) {
      this.#revoked.put(each.digest);
      this.#list.set(each.digest.toHex(), each);
    }
  }

  get kept(): KeyControls["kept"] {
    return this.#file && { path: this.#file.path, failure: this.#file.failure };
  }

  list(): KeyStatus[] {
    return Array.from(this.#list.values(), ({ status }) => status);
  }

  async revoke(named: KeyNamed, inConfig?: (hash: string) => string | undefined): Promise<KeyStatus[]> {
    const digest = await this.#digestOf(named);
    const read = await keysNow(this.#auth(), this.#platform);
    const now: KeysNow = { ...read, placeOf: (hash) => read.placeOf(hash) ?? inConfig?.(hash) };
    const found = digest === undefined ? placesOf(named, now) : [now.keys.table.find(digest)].filter((at) => at >= 0);
    // A key whose digest is given needs no list: one that only the file has which cannot be read is among them.
    const unlisted = found.length === 0 && now.why !== undefined;
    if (unlisted && digest === undefined) throw unread(now.why);
    if (this.#list.size + found.length > MOST_REVOKED) throw tooMany();
    const keys = unlisted
      ? [this.#put(digest!, undefined, now)]
      : found.map((place) => this.#put(now.keys.table.digestOf(place), place, now));
    await this.#save();
    return keys;
  }

  async restore(named: KeyNamed): Promise<KeyStatus[]> {
    const digest = await this.#digestOf(named);
    const { id, consumer } = named;
    const found = [...this.#list].filter(([hex, { status }]) =>
      digest !== undefined
        ? hex === digest.toHex()
        : (id === undefined || status.id === id) && (consumer === undefined || status.consumer === consumer),
    );
    for (const [hex, { digest, status }] of found) {
      this.#list.delete(hex);
      this.#revoked.remove(digest);
      this.#platform.notice("warn", `${nameOf(status)} is good again: an operator has restored it`);
    }
    if (found.length > 0) await this.#save();
    return found.map(([, { status }]) => status);
  }

  async #save(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#file.save(() => this.#list.values());
    const { path, failure } = this.#file;
    if (failure === undefined) return;
    this.#platform.notice(
      "error",
      `admin.revokedKeys: ${path} cannot be written (${failure}): a restart will not know`,
    );
  }

  /** Those that are revoked, for a process that takes this one's place. */
  revocations(): Revocation[] {
    return Array.from(this.#list, ([hash, { status }]) => ({ hash, status }));
  }

  /** Those that were revoked in the process before. */
  take(revocations: readonly Revocation[]): void {
    for (const { hash, status } of revocations) {
      const digest = Uint8Array.fromHex(hash);
      if (this.#revoked.put(digest)) this.#list.set(hash, { digest, status });
    }
  }

  #put(digest: Uint8Array, place: number | undefined, { keys, placeOf }: KeysNow): KeyStatus {
    const hex = digest.toHex();
    const known = this.#list.get(hex);
    if (known !== undefined) return known.status;
    if (!this.#revoked.put(digest)) throw tooMany();
    const written = placeOf(hex);
    const status: KeyStatus = {
      id: place === undefined ? hex.slice(0, 8) : keys.table.idOf(place),
      ...(place !== undefined && { consumer: keys.consumers[keys.table.ownerOf(place)]!.name }),
      revokedAt: this.#platform.wallClock(),
      ...(written !== undefined && { place: written }),
    };
    this.#list.set(hex, { digest, status });
    this.#platform.notice("warn", `${nameOf(status)} is revoked: an operator says so`);
    return status;
  }

  /** Of what names one key for certain. */
  async #digestOf({ key, hash }: KeyNamed): Promise<Uint8Array | undefined> {
    if (key !== undefined) return this.#platform.sha256(latin1Bytes(key));
    if (hash === undefined) return undefined;
    const digits = KEY_HASH.exec(hash)?.[1];
    if (digits !== undefined) return Uint8Array.fromHex(digits);
    const publicDetail = 'A hash is "sha256:" and 64 hexadecimal digits.';
    throw new GatewayError("http_request_error", publicDetail, { publicDetail });
  }
}

/** Places of the keys of this name, or of this consumer. @throws GatewayError for a name that several keys have */
function placesOf({ id, consumer }: KeyNamed, { keys }: KeysNow): number[] {
  const { table, consumers } = keys;
  const owner = (place: number): string => consumers[table.ownerOf(place)]!.name;
  const named = id === undefined ? Array.from({ length: table.size }, (_, place) => place) : table.placesOf(id);
  const found = consumer === undefined ? named : named.filter((place) => owner(place) === consumer);
  if (id === undefined || found.length < 2) return found;
  const publicDetail = `Keys of ${found.slice(0, 10).map(owner).join(", ")} have the id ${id}: name the consumer too, or the hash.`;
  throw new GatewayError("http_request_error", publicDetail, { publicDetail });
}

function nameOf({ id, consumer }: KeyStatus): string {
  return `the API key ${id}${consumer === undefined ? "" : ` of ${consumer}`}`;
}

function unread(why: string): GatewayError {
  const publicDetail = `The key file cannot be read: name the key itself, or its hash. ${why}`;
  return new GatewayError("authentication_unavailable", publicDetail, { publicDetail });
}

function tooMany(): GatewayError {
  const publicDetail = `Only ${MOST_REVOKED} keys can be revoked at a time: take keys out of the config or its key file.`;
  return new GatewayError("capacity_exhausted", publicDetail, { publicDetail });
}
