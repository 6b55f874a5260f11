// Reads the key file that a config names, once all else is right: its faults are the config's, at their place in the file.
import type { ConsumerPlan, KeysPlan } from "./plan.ts";
import { isContent, readKeyFile } from "../../auth/api-key/key-file.ts";
import { crc32 } from "../../auth/api-key/key-form.ts";
import { groupsOf } from "../../auth/api-key/known-keys.ts";
import type { ConfigFault } from "../fault.ts";
import type { FoundKeyFile } from "./consumers.ts";

/** The plan of a key file, or all that is wrong with it. */
export function planKeyFile(found: FoundKeyFile, consumers: readonly ConsumerPlan[]): KeysPlan | ConfigFault[] {
  const { path, text, groups } = found;
  const result = readKeyFile(text, { consumers, groups: groupsOf(consumers, found) });
  if (isContent(result)) return { path, groups, content: result, crc: crc32(text) };
  return result.map(({ line, column, wanted, hint }) => ({
    path: ["keys", "file"],
    wanted,
    ...(hint !== undefined && { hint }),
    place: { file: path, line, column },
  }));
}
