// Gateways that are upgraded: started by a link that leads to the executable, asked on a Unix socket, ended with all of theirs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../support/deadline.ts";
import { type Gateway, startGateway, type StartOptions } from "../../support/executable.ts";

const started: Gateway[] = [];

/** A config that has an admin listener on `admin.sock`, no log, and these options beside. */
export function configOf(options: object): string {
  const common = { listen: { host: "127.0.0.1", port: 0 }, log: false, admin: { socket: "admin.sock" } };
  return `import { defineGateway } from "sluice";\nexport default defineGateway(${JSON.stringify({ ...common, ...options })} as never);\n`;
}

/** Starts it. */
export async function start(config: object | string, options: StartOptions = {}): Promise<Gateway> {
  const text = typeof config === "string" ? config : configOf(config);
  const gateway = await startGateway(text, { byLink: true, ...options });
  started.push(gateway);
  return gateway;
}

/** What came of an upgrade, as the admin listener tells it. */
export interface Outcome {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly message: string;
}

/** Asks the admin listener. */
export function ask({ folder }: Gateway, path: string, method = "GET"): Promise<Response> {
  const unix = join(folder, "admin.sock");
  return fetch(`http://localhost${path}`, { unix, method, headers: { Connection: "close" } });
}

/** Has another process take its place, and tells what came of it. */
export async function upgrade(gateway: Gateway): Promise<Outcome> {
  return (await (await ask(gateway, "/upgrade", "POST")).json()) as Outcome;
}

/** As `upgrade`, which must succeed. Gives the process that serves now. */
export async function upgraded(gateway: Gateway): Promise<number> {
  const { ok, message } = await upgrade(gateway);
  const process = /^sluice \S+ \(process (\d+)\) has taken over$/.exec(message);
  if (!ok || process === null) throw new Error(`not upgraded: ${message}; stderr: ${gateway.stderr.text}`);
  return Number(process[1]);
}

/** What a limit has left for whoever calls from 127.0.0.1. */
export async function left(gateway: Gateway, limit: string): Promise<number> {
  const answer = (await (await ask(gateway, `/limits?limit=${limit}&caller=127.0.0.1`)).json()) as { left: number };
  return answer.left;
}

/** Writes another config in the place of its own. */
export function rewrite({ folder }: Gateway, config: object | string): void {
  writeFileSync(join(folder, "gateway.config.ts"), typeof config === "string" ? config : configOf(config));
}

/** Waits until this process alone is left of it. */
export async function alone(gateway: Gateway, process: number): Promise<void> {
  await until(
    () => gateway.processes.length === 1 && gateway.processes[0] === process,
    () => `process ${process} to be alone; there are ${gateway.processes.join(", ")}`,
  );
}

/** Lets all of it finish, whichever process it is; demands a clean end of the first, and that nothing stays. */
export async function finish(gateway: Gateway): Promise<void> {
  for (const pid of gateway.processes) {
    if (pid === gateway.pid) gateway.signal("SIGINT");
    else process.kill(pid, "SIGINT");
  }
  await gateway.stop();
}

/** Ends what a failed test has left. */
export function endAll(): void {
  for (const gateway of started.splice(0)) for (const pid of gateway.processes) process.kill(pid, "SIGKILL");
}
