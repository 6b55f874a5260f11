// Whose an API key is, by a config and its key file.
import { keysOf } from "../auth/api-key/known-keys.ts";
import type { Embedded } from "./embedded.ts";
import { planConfig, reportFindings } from "./plan-config.ts";
import type { Terminal } from "./terminal.ts";

/** What a config knows of a key. */
export interface Holder {
  /** The path of the config that was looked through. */
  readonly file: string;
  /** Undefined when the key is nobody's, as are the others then. */
  readonly consumer: string | undefined;
  readonly id: string | undefined;
  /** RFC 3339; undefined for never. */
  readonly expires: string | undefined;
  /** Whether it is somebody's and has not expired. */
  readonly good: boolean;
}

/** Asks the config `file` for the key of this hash (64 hexadecimal digits). Tells what is wrong with it and gives the exit code. */
export async function holderOf(
  hash: string,
  file: string,
  embedded: Embedded,
  terminal: Terminal,
): Promise<Holder | number> {
  const planned = await planConfig(file, embedded);
  if (!("plan" in planned)) return reportFindings(planned.findings, terminal);
  const known = keysOf(planned.plan.auth);
  const place = known.table.find(Uint8Array.fromHex(hash));
  if (place < 0) return { file, consumer: undefined, id: undefined, expires: undefined, good: false };
  const expiresAt = known.table.expiryOf(place);
  return {
    file,
    consumer: known.consumers[known.table.ownerOf(place)]!.name,
    id: known.table.idOf(place),
    expires: expiresAt === Infinity ? undefined : new Date(expiresAt).toISOString(),
    good: Date.now() < expiresAt,
  };
}
