// The API keys that are good now: those of the config, and those of a file that may change while the gateway runs.
import type { AuthPlan, KeyFileContent, KeysPlan } from "../../config/auth/plan.ts";
import type { Consumer } from "../../config/auth/options.ts";
import { messageOf } from "../../errors.ts";
import type { Files, Platform } from "../../platform.ts";
import { KeyBook, type KeyFileContext, type KeyFileFault } from "./key-book.ts";
import { isContent, type KeyFileResult, keyFileTurns } from "./key-file.ts";
import { crc32 } from "./key-form.ts";
import { KeyTable } from "./key-table.ts";

/** Keys and whose they are. Both are replaced at once when the file has changed: who finds another table has to forget. */
export interface KnownKeys {
  readonly table: KeyTable;
  /** By the owner that the table gives. */
  readonly consumers: readonly Consumer[];
  /** Stops watching the key file. */
  close(): void;
}

/** How long a reading goes on before others have their turn, in milliseconds. */
const TURN_MS = 8;

/** The keys of a plan. A file is watched where the platform has files. */
export function knownKeys(plan: AuthPlan, platform: Pick<Platform, WatchNeeds>): KnownKeys {
  const { consumers, keys } = plan;
  const { files } = platform;
  if (keys === undefined || files === undefined) return keysOf(plan);
  return new WatchedKeys(keys, platform, files, { consumers, groups: groupsOf(consumers, keys) });
}

/** The keys of a plan as they were when it was made. */
export function keysOf({ consumers, keys }: AuthPlan): KnownKeys {
  const content = keys?.content ?? (new KeyBook("", { consumers, groups: [] }).close() as KeyFileContent);
  return { table: KeyTable.of(content.keys), consumers: content.consumers, close: () => {} };
}

/** The keys of this moment, for who asks once. */
export interface KeysNow {
  readonly keys: Pick<KnownKeys, "table" | "consumers">;
  /** Why these are those of the plan, though there is a file: it cannot be read, or is wrong. */
  readonly why: string | undefined;
  /** Where in the file a key stands: `/etc/sluice/keys.yaml:12`. @param hex its digest */
  placeOf(hex: string): string | undefined;
}

/** Reads the file anew, if there is one. */
export async function keysNow(plan: AuthPlan, platform: Pick<Platform, WatchNeeds>): Promise<KeysNow> {
  const { consumers, keys } = plan;
  const { files } = platform;
  const asPlanned = (why?: string): KeysNow => ({ keys: keysOf(plan), why, placeOf: () => undefined });
  if (keys === undefined || files === undefined) return asPlanned();
  const { path } = keys;
  try {
    const text = await files.read(path);
    const placeOf = (hex: string): string | undefined => {
      const at = text.toLowerCase().indexOf(hex);
      return at < 0 ? undefined : `${path}:${text.slice(0, at).split("\n").length}`;
    };
    if (crc32(text) === keys.crc) return { ...asPlanned(), placeOf };
    const context = { consumers, groups: groupsOf(consumers, keys) };
    const result = await readInTurns(text, context, platform, () => false);
    if (!isContent(result!)) return asPlanned(keyFaultText(path, result![0]!));
    const table = KeyTable.of(result.keys);
    return { keys: { table, consumers: result.consumers }, why: undefined, placeOf };
  } catch (thrown) {
    return asPlanned(`${path}: ${messageOf(thrown)}`);
  }
}

/** What the file says, read so that others have their turn meanwhile; undefined where it is given up. */
async function readInTurns(
  text: string,
  context: KeyFileContext,
  platform: Pick<Platform, "now" | "setTimer">,
  isOver: () => boolean,
): Promise<KeyFileResult | undefined> {
  const turns = keyFileTurns(text, context);
  let result = turns.next();
  for (let began = platform.now(); result.done !== true && !isOver(); result = turns.next()) {
    if (platform.now() - began < TURN_MS) continue;
    await new Promise<void>((resolve) => platform.setTimer(resolve, 0));
    began = platform.now();
  }
  return result.done === true && !isOver() ? result.value : undefined;
}

/** What of a platform the watching of a file needs. */
export type WatchNeeds = "files" | "now" | "setTimer" | "notice";

/** The groups that a key file may name. */
export function groupsOf(consumers: AuthPlan["consumers"], keys: Pick<KeysPlan, "groups">): readonly string[] {
  return [...new Set([...keys.groups, ...consumers.flatMap(({ consumer }) => consumer.groups)])];
}

/** A fault as the operator is told: `/etc/sluice/keys.yaml:3:7: wanted a group that the config knows. …` */
function keyFaultText(path: string, { line, column, wanted, hint }: KeyFileFault): string {
  return `${path}:${line}:${column}: wanted ${wanted}.${hint === undefined ? "" : ` ${hint}`}`;
}

class WatchedKeys implements KnownKeys {
  table: KeyTable;
  consumers: readonly Consumer[];
  readonly #path: string;
  readonly #platform: Pick<Platform, WatchNeeds>;
  readonly #files: Files;
  readonly #context: KeyFileContext;
  readonly #unwatch: () => void;
  /** Of the text that is in use, and of the one that was read last. */
  #usedCrc: number;
  #readCrc: number | undefined;
  #reading = false;
  #changed = false;
  #closed = false;

  constructor(
    { path, content, crc }: KeysPlan,
    platform: Pick<Platform, WatchNeeds>,
    files: Files,
    context: KeyFileContext,
  ) {
    this.table = KeyTable.of(content.keys);
    this.consumers = content.consumers;
    this.#path = path;
    this.#platform = platform;
    this.#files = files;
    this.#context = context;
    this.#usedCrc = crc;
    this.#readCrc = crc;
    this.#unwatch = files.watch(path, () => this.#touched());
    // It may have changed since the plan was made.
    this.#touched();
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
  }

  #touched(): void {
    this.#changed = true;
    if (!this.#reading) void this.#readAgain();
  }

  async #readAgain(): Promise<void> {
    this.#reading = true;
    while (this.#changed && !this.#closed) {
      this.#changed = false;
      await this.#read();
    }
    this.#reading = false;
  }

  async #read(): Promise<void> {
    let text: string;
    try {
      text = await this.#files.read(this.#path);
    } catch (thrown) {
      this.#readCrc = undefined;
      const reason = messageOf(thrown);
      this.#keep(`it cannot be read (${reason}).`);
      return;
    }
    const crc = crc32(text);
    if (crc === this.#readCrc) return;
    this.#readCrc = crc;
    if (crc === this.#usedCrc) {
      this.#platform.notice("info", `${this.#path}: it is again as it was; ${this.table.size} API keys are good.`);
      return;
    }
    const result = await readInTurns(text, this.#context, this.#platform, () => this.#closed);
    if (result === undefined) return;
    if (isContent(result)) this.#use(result, crc);
    else for (const fault of result.slice(0, 3)) this.#keep(keyFaultText(this.#path, fault));
  }

  #use({ keys, consumers }: KeyFileContent, crc: number): void {
    this.table = KeyTable.of(keys);
    this.consumers = consumers;
    this.#usedCrc = crc;
    this.#platform.notice("info", `${this.#path}: ${this.table.size} API keys are good from now on.`);
  }

  #keep(why: string): void {
    const where = why.startsWith(this.#path) ? why : `${this.#path}: ${why}`;
    this.#platform.notice("error", `${where} The keys stay as they were.`);
  }
}
