// The file in which revoked API keys outlive the process: a line a key, for people too.
import type { KeyStatus } from "./admin/overseen.ts";
import { messageOf } from "./errors.ts";
import type { Files } from "./platform.ts";

/** A key that is revoked. */
export interface Revoked {
  /** SHA-256 of the key, 32 bytes. */
  readonly digest: Uint8Array;
  readonly status: KeyStatus;
}

const HEAD = "# API keys that were revoked over the admin listener: hash, time, id, consumer. Written by Sluice.";
const LINE = /^sha256:([0-9a-f]{64}) (\S+) ([\w.-]{1,64}) (\S+)$/;

/** One such file. */
export class RevokedFile {
  readonly path: string;
  readonly #files: Pick<Files, "load" | "replace">;
  /** Why it could not be written the last time. */
  failure: string | undefined = undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string, files: Pick<Files, "load" | "replace">) {
    this.path = path;
    this.#files = files;
  }

  /** What stands there; nothing where there is no file. @throws Error when it cannot be read or is none of these files */
  load(): Revoked[] {
    const bytes = this.#files.load(this.path);
    if (bytes === undefined) return [];
    const lines = new TextDecoder("utf-8", { fatal: true }).decode(bytes).split("\n");
    if (lines[0] !== HEAD || lines.pop() !== "") throw new Error("it is no whole file of revoked keys");
    return lines.slice(1).map((line, at) => {
      const [, hex, time = "", id, consumer] = LINE.exec(line) ?? [];
      const revokedAt = Date.parse(time);
      if (hex === undefined || Number.isNaN(revokedAt)) throw new Error(`line ${at + 2} is none of a revoked key`);
      const status = { id: id!, ...(consumer !== "-" && { consumer: consumer! }), revokedAt };
      return { digest: Uint8Array.fromHex(hex), status };
    });
  }

  /** Writes these, whole, one time after another. Never rejects: see {@link failure}. */
  save(list: () => Iterable<Revoked>): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const lines = Array.from(list(), ({ digest, status: { id, consumer = "-", revokedAt } }) => {
        return `sha256:${digest.toHex()} ${new Date(revokedAt).toISOString()} ${id} ${consumer}`;
      });
      try {
        await this.#files.replace(this.path, new TextEncoder().encode([HEAD, ...lines, ""].join("\n")));
        this.failure = undefined;
      } catch (thrown) {
        this.failure = messageOf(thrown);
      }
    });
    return this.#saving;
  }
}
