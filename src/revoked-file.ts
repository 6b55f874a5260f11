// The file in which revoked API keys outlive the process: a line a key, for people too.
import { MOST_REVOKED } from "./auth/api-key/revoked-keys.ts";
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
const LINE = /^sha256:([0-9a-f]{64}) (\S+) ([\w.-]{1,64}) ([^\s\ufffd]+)$/;
/** Where a line is none: behind as much of it as is right. */
const RIGHT = /^(?:sha256:[0-9a-f]{64} (?:\S+ (?:[\w.-]{1,64} )?)?)?/;

/** What is wrong with such a file, and where: lines and columns count from 1. */
export class RevokedFileFault extends Error {
  readonly line: number;
  readonly column: number;

  constructor(line: number, column: number, why: string) {
    super(why);
    this.line = line;
    this.column = column;
  }
}

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

  /**
   * What stands there; nothing where there is no file.
   * @throws RevokedFileFault when it is none of these files, another Error when it cannot be read
   */
  load(): Revoked[] {
    const bytes = this.#files.load(this.path);
    return bytes === undefined ? [] : revokedIn(bytes);
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

function revokedIn(bytes: Uint8Array): Revoked[] {
  // What is not UTF-8 is no digit, no time and no name.
  const lines = new TextDecoder().decode(bytes).split("\n");
  const last = lines.at(-1)!;
  if (lines[0] !== HEAD)
    throw new RevokedFileFault(1, 1, "it is no whole file of revoked keys: it begins with another line");
  if (last !== "") {
    throw new RevokedFileFault(
      lines.length,
      last.length + 1,
      "it is no whole file of revoked keys: its last line has no end",
    );
  }
  return lines.slice(1, -1).map((line, at) => {
    if (at === MOST_REVOKED) throw new RevokedFileFault(at + 2, 1, `it has more than ${MOST_REVOKED} keys`);
    const [, hex, time = "", id, consumer] = LINE.exec(line) ?? [];
    const revokedAt = Date.parse(time);
    if (hex === undefined || Number.isNaN(revokedAt)) {
      const right = hex === undefined ? RIGHT.exec(line)![0] : "sha256: ".padEnd(8 + hex.length);
      throw new RevokedFileFault(at + 2, right.length + 1, "the line is none of a revoked key");
    }
    const status = { id: id!, ...(consumer !== "-" && { consumer: consumer! }), revokedAt };
    return { digest: Uint8Array.fromHex(hex), status };
  });
}
