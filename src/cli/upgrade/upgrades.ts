// Upgrades: another process, of the program as it stands on the disk now, takes this one's place, or all stays as it is.
import type { UpgradeOutcome } from "../../admin/overseen.ts";
import { handCounts, keepCounts, originOf } from "../../counts.ts";
import { messageOf } from "../../errors.ts";
import type { BunPlatform } from "../../platforms/bun.ts";
import { EXIT, Refusal } from "../exit.ts";
import type { ServiceManager } from "../service-manager.ts";
import type { Terminal } from "../terminal.ts";
import type { Handing } from "./handing.ts";
import type { Program } from "./program.ts";
import { Successor } from "./successor.ts";

/** How long the new process may take until it could serve: its config is loaded, by each worker, and targets are found. */
const READY_MS = 60_000;
/** How long it may take to accept, once it could; meanwhile nobody accepts. */
const SERVING_MS = 10_000;
/** How long an upgrade takes at most. */
export const UPGRADE_MS = READY_MS + SERVING_MS;

/** What {@link Upgrades} needs of its surroundings. */
export interface UpgradesOptions {
  readonly program: Program;
  readonly terminal: Terminal;
  readonly platform: Pick<BunPlatform, "now" | "wallClock" | "random" | "sha256" | "files" | "notice">;
  readonly manager: Pick<ServiceManager, "handsTo"> | undefined;
  handing(): Handing;
  /** Does it while no config is being loaded. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** All that this process tries, up to the one that ends it. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #taken = Promise.withResolvers<Successor>();
  #trying: Successor | undefined = undefined;
  #busy = false;
  #closed = false;

  constructor(options: UpgradesOptions) {
    this.#options = options;
  }

  /** Resolves once another process serves in place of this one. */
  get taken(): Promise<Successor> {
    return this.#taken.promise;
  }

  /** Starts another process and lets it take over. Never rejects: the outcome says what came of it. */
  async request(): Promise<UpgradeOutcome> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return this.#failed(refusal);
    this.#busy = true;
    try {
      const { pid, version } = await this.#options.alone(() => this.#upgrade());
      return { ok: true, exitCode: EXIT.ok, message: `sluice ${version} (process ${pid}) has taken over` };
    } catch (thrown) {
      return this.#failed(thrown, this.#trying?.said);
    } finally {
      this.#busy = false;
      this.#trying = undefined;
    }
  }

  /** Why none can be tried now. */
  #refusal(): Refusal | undefined {
    if (process.platform !== "linux") return new Refusal(EXIT.os, "sockets can be handed over on Linux alone");
    if (process.pid === 1) {
      return new Refusal(EXIT.os, "the gateway is process 1, with which its container ends: start a new container");
    }
    if (this.#closed) return new Refusal(EXIT.failure, "the gateway is shutting down");
    return this.#busy ? new Refusal(EXIT.failure, "an upgrade is under way") : undefined;
  }

  #failed(thrown: unknown, said = ""): UpgradeOutcome {
    const { program, terminal } = this.#options;
    const exitCode = thrown instanceof Refusal ? thrown.exitCode : EXIT.os;
    const what = `${program.command[0]} has not taken over: ${messageOf(thrown)}`;
    const end = `sluice: error: ${what}. The gateway goes on as it was.`;
    terminal.err(end);
    return { ok: false, exitCode, message: `${said}${end}` };
  }

  /** The gateway leaves: nothing takes its place. */
  close(): void {
    this.#closed = true;
    this.#trying?.end();
  }

  async #upgrade(): Promise<Successor> {
    const { program, platform, manager } = this.#options;
    const handing = this.#options.handing();
    const { counts } = handing;
    const successor = new Successor(program, await handing.sockets(), manager !== undefined);
    this.#trying = successor;
    successor.send({ kind: "begin", sockets: successor.handed, counts: counts && originOf(counts, platform) });
    await successor.heard("ready", READY_MS);
    if (this.#closed) throw new Refusal(EXIT.failure, "the gateway is shutting down");
    try {
      await handing.accept(false);
      handing.tell(successor.count);
      const bytes = counts && handCounts(counts, platform);
      const text = bytes && Buffer.from(bytes).toString("base64");
      successor.send({ kind: "take", counts: text, orders: handing.orders() });
      await successor.heard("serving", SERVING_MS);
    } catch (thrown) {
      successor.end();
      handing.tell(undefined);
      if (counts !== undefined) keepCounts(counts);
      await handing.accept(true);
      throw thrown;
    }
    this.#trying = undefined;
    this.#closed = true;
    handing.letGo();
    manager?.handsTo(successor.pid);
    successor.send({ kind: "yours" });
    this.#taken.resolve(successor);
    return successor;
  }
}
