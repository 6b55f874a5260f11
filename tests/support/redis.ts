// A real Redis for tests: on loopback, in memory alone, in a folder of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";
import { closedPort } from "./closed-port.ts";
import { until, within } from "./deadline.ts";
import { accepts } from "./raw-client.ts";
import { pathOfTool } from "./requirements.ts";

/** How to start it. */
export interface RedisStart {
  /** Default: one that is free. */
  readonly port?: number;
  /** More lines of redis.conf, as arguments: `["--requirepass", "pw"]`. */
  readonly settings?: readonly string[];
  /** Files by name, written into its folder before it starts; settings may name them as `./name`. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A running Redis. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #child: Bun.Subprocess;
  #client: RedisClient | undefined;

  /** Use startRedis. */
  constructor(port: number, folder: string, child: Bun.Subprocess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Asks it something, without user and password. */
  send(command: string, ...args: string[]): Promise<unknown> {
    this.#client ??= new RedisClient(this.url);
    return this.#client.send(command, args);
  }

  /** Stops it in its tracks: sockets stay open, nothing is answered. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Ends it at once, and waits for that. */
  async stop(): Promise<void> {
    this.#client?.close();
    this.#child.kill("SIGKILL");
    await within(this.#child.exited, "redis-server to end");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts a Redis and waits until it accepts. */
export async function startRedis({
  port = closedPort(),
  settings = [],
  files = {},
}: RedisStart = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
  for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
  const always = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = Bun.spawn([pathOfTool("redis-server"), ...always, ...settings], {
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`redis-server ended: ${await new Response(child.stdout).text()}`);
    return accepts(port === 0 ? tlsPort(settings) : port);
  }, "redis-server to listen");
  return new RedisServer(port, folder, child);
}

function tlsPort(settings: readonly string[]): number {
  return Number(settings[settings.indexOf("--tls-port") + 1]);
}
