// The file of revoked API keys, as `sluice check` reads it: what would stop the start is told before.
import type { ConfigFault } from "../config/fault.ts";
import type { Plan } from "../config/plan.ts";
import { messageOf } from "../errors.ts";
import { files } from "../platforms/files.ts";
import { RevokedFile, RevokedFileFault } from "../revoked-file.ts";

/** Why a gateway does not begin without it, and how to mend it. */
export const WITHOUT_REVOKED = "Without it keys that were revoked would be good. Mend it, or move it away.";

/** What is wrong with the file of `admin.revokedKeys`; nothing where there is no file yet. */
export function revokedFaults({ admin }: Plan): ConfigFault[] {
  const file = admin?.revokedKeys;
  if (file === undefined) return [];
  try {
    new RevokedFile(file, files).load();
    return [];
  } catch (thrown) {
    const why = messageOf(thrown);
    const place = thrown instanceof RevokedFileFault ? { file, line: thrown.line, column: thrown.column } : undefined;
    return [
      {
        path: ["admin", "revokedKeys"],
        ...(place === undefined && { found: file }),
        wanted: "a file of revoked keys that can be used",
        hint: `${why[0]!.toUpperCase()}${why.slice(1)}. ${WITHOUT_REVOKED}`,
        ...(place && { place }),
      },
    ];
  }
}
