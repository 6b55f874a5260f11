// The gateway under soak: started as users start it, watched from outside through /proc.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { openSockets, residentBytes } from "../cpu.ts";
import { lastWords, type Running, until, type Workshop } from "../workshop.ts";

const ROOT = join(import.meta.dir, "../../..");

/** `SLUICE_COMMAND` puts another command in place of the compiled file, such as `bun src/cli/main.ts`. */
function gatewayCommand(): string[] {
  const other = process.env["SLUICE_COMMAND"];
  if (other !== undefined && other !== "") {
    return other.split(" ").map((word) => (word.startsWith("src/") ? join(ROOT, word) : word));
  }
  const executable = join(ROOT, "dist/sluice");
  if (!existsSync(executable)) throw new Error("dist/sluice is not there: run `npm run build` first");
  return [executable];
}

/** A running gateway. */
export class SoakedGateway {
  readonly port: number;
  /** Of the admin listener; 0 without one. */
  readonly adminPort: number;
  readonly #workshop: Workshop;
  readonly #running: Running;

  constructor(port: number, adminPort: number, workshop: Workshop, running: Running) {
    this.port = port;
    this.adminPort = adminPort;
    this.#workshop = workshop;
    this.#running = running;
  }

  /** Resident memory in MiB. */
  get residentMiB(): number {
    return residentBytes(this.#running.pid) / 2 ** 20;
  }

  /** Sockets it holds open, the listening one included. */
  get openSockets(): number {
    return openSockets(this.#running.pid);
  }

  /** What it said on stderr, its last lines. */
  get lastWords(): string {
    return lastWords(this.#running);
  }

  /** SIGHUP; returns what it said of the reload, once it has. */
  async reload(): Promise<string> {
    const before = readFileSync(this.#running.said, "utf8").length;
    let said = "";
    process.kill(this.#running.pid, "SIGHUP");
    await until(
      () => {
        said = readFileSync(this.#running.said, "utf8").slice(before);
        return /^sluice: (?:reloaded|error: .* was not reloaded)/m.test(said);
      },
      20_000,
      () => `the gateway says nothing of a reload:\n${lastWords(this.#running)}`,
    );
    return said;
  }

  /** SIGTERM; returns the exit code once all of its output has been read. */
  async stop(): Promise<number> {
    const { child } = this.#running;
    const closed = child.stdout === null ? undefined : new Promise((done) => child.stdout?.once("close", done));
    const code = await this.#workshop.stop(this.#running, 30_000);
    if (child.stdout?.closed === false) await closed;
    return code;
  }
}

function configText(options: GatewayOptions): string {
  const complete = { ...options, listen: { host: "127.0.0.1", port: 0, ...options.listen } };
  return `export default ${JSON.stringify(complete, null, 2)};\n`;
}

/**
 * Starts the gateway and waits until it listens.
 * @param options or the text of a config
 * @param onLines takes the lines of its access log, in batches
 */
export async function startGateway(
  workshop: Workshop,
  name: string,
  options: GatewayOptions | string,
  onLines?: (lines: string[]) => void,
): Promise<SoakedGateway> {
  const config = workshop.write(`${name}.config.ts`, typeof options === "string" ? options : configText(options));
  const running = workshop.start(name, [...gatewayCommand(), "run", config], { pipe: onLines !== undefined });
  let rest = "";
  running.child.stdout?.on("data", (bytes: Buffer) => {
    const lines = (rest + bytes.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    onLines?.(lines);
  });
  let ended = false;
  void running.ended.then(() => (ended = true));
  const portSaid = (pattern = /listening.*?:(\d+)\b/i): number =>
    Number(pattern.exec(readFileSync(running.said, "utf8"))?.[1] ?? 0);
  await until(
    () => {
      if (ended) throw new Error(`the gateway ended:\n${lastWords(running)}`);
      return portSaid() > 0;
    },
    10_000,
    () => `the gateway does not say where it listens:\n${lastWords(running)}`,
  );
  return new SoakedGateway(portSaid(), portSaid(/admin on .*?:(\d+)\b/), workshop, running);
}
