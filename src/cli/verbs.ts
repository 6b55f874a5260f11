// The verbs of the executable: the one list that the command line, its help and all that is made of them go by.
import type { Verb } from "./verb.ts";

/** Each verb by its words, in the order of the help. A verb's code is loaded when it is asked for. */
export const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  run: async () => (await import("./run.ts")).run,
  check: async () => (await import("./check.ts")).check,
  routes: async () => (await import("./routes.ts")).routes,
  plan: async () => (await import("./plan.ts")).plan,
  explain: async () => (await import("./explain.ts")).explain,
  diff: async () => (await import("./diff.ts")).diff,
  test: async () => (await import("./test.ts")).test,
  reload: async () => (await import("./reload-verb.ts")).reload,
  upgrade: async () => (await import("./upgrade.ts")).upgrade,
  top: async () => (await import("./top.ts")).top,
  logs: async () => (await import("./logs.ts")).logs,
  simulate: async () => (await import("./simulate.ts")).simulate,
  init: async () => (await import("./init.ts")).init,
  "keys new": async () => (await import("./keys.ts")).keysNew,
  "keys verify": async () => (await import("./keys.ts")).keysVerify,
  password: async () => (await import("./password.ts")).password,
  manpage: async () => (await import("./manpage.ts")).manpage,
  completion: async () => (await import("./completion.ts")).completion,
  licenses: async () => (await import("./licenses.ts")).licenses,
};

/** The first word of each verb, once. */
export const FIRST_WORDS: readonly string[] = [...new Set(Object.keys(VERBS).map((name) => name.replace(/ .*/, "")))];
