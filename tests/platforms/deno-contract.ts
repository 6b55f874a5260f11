// Runs the Socket contract inside Deno and writes one line of JSON a promise: its name, and what failed ("" if nothing).
import { readFileSync } from "node:fs";
import { argv, exit } from "node:process";
import { denoPlatform } from "../../src/platforms/deno.ts";
import type { Pems } from "./contract-kit.ts";
import { SOCKET_PROMISES } from "./socket-contract.ts";

const pems = (JSON.parse(readFileSync(argv[2]!, "utf8")) as Pems | null) ?? undefined;
const kit = { platform: denoPlatform(), pems };

for (const { name, needsTls, except, holds } of SOCKET_PROMISES) {
  if ((needsTls && pems === undefined) || except.deno !== undefined) continue;
  if (argv[3] !== undefined && !name.includes(argv[3])) continue;
  let failure = "";
  try {
    await holds(kit);
  } catch (thrown) {
    failure = thrown instanceof Error ? thrown.message : String(thrown);
  }
  console.log(JSON.stringify({ name, failure }));
}
exit(0);
