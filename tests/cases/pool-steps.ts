// The steps of cases.json about a pool of targets: another config, a steady load, and the checks that targets get.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elapse, until } from "../support/deadline.ts";
import type { Gateway } from "../support/executable.ts";
import { exchange } from "../support/raw-client.ts";
import type { RawOrigin } from "../support/raw-origin.ts";
import type { Json, Step } from "./format.ts";

/** What these steps need of a run. */
export interface PoolRun {
  readonly gateway: Gateway;
  readonly origins: Readonly<Record<string, RawOrigin>>;
  readonly vars: Record<string, Json>;
  readonly results: Record<string, unknown>;
  /** The text of the config that the variables make now. */
  configText(): string;
}

type PoolOperation = (run: PoolRun, step: Step) => Promise<void>;

/** By name. */
export const POOL_OPERATIONS: Readonly<Record<string, PoolOperation>> = {
  reload: async (run, step) => {
    const config = String(step["config"]);
    const pool = /^pool \[(.*)\]$/.exec(config)?.[1];
    if (pool !== undefined) run.vars["POOL"] = pool.toLowerCase().split(", ");
    else if (config === "same pool, other unrelated route name") run.vars["ROUTE"] = Number(run.vars["ROUTE"] ?? 0) + 1;
    else throw new Error(`cannot reload ${config}`);
    const { folder, stderr } = run.gateway;
    const file = join(folder, "gateway.config.ts");
    writeFileSync(`${file}.new`, run.configText());
    renameSync(`${file}.new`, file);
    const before = stderr.text.length;
    run.gateway.signal("SIGHUP");
    await until(
      () => /^sluice: reloaded /m.test(stderr.text.slice(before)),
      () => stderr.text,
    );
  },
  load: async (run, step) => {
    const [rps, ms] = [Number(step["rps"]), Number(step["ms"])];
    const statuses: Promise<number>[] = [];
    for (const began = performance.now(); performance.now() - began < ms;) {
      statuses.push(exchange(run.gateway.port, String(step["raw"])).then(({ status }) => status));
      await elapse(Math.max(0, began + (statuses.length * 1000) / rps - performance.now()));
    }
    const all = await Promise.all(statuses);
    run.results[step.as!] = { count: all.length, non_200: all.filter((status) => status !== 200).length };
  },
  count_probes: async (run, step) => {
    const probes = (): Record<string, number> =>
      Object.fromEntries(
        Object.entries(run.origins).map(([name, { requests }]) => [
          name,
          requests.filter(({ target }) => target === "/health").length,
        ]),
      );
    const before = probes();
    await elapse(Number(step["ms"]));
    run.results[step.as!] = Object.fromEntries(
      Object.entries(probes()).map(([name, count]) => [name, count - before[name]!]),
    );
  },
};
