// Soak (d): one reload after another, of changed and of broken configs, while clients ask and tunnels are open.
import type { Socket } from "bun";
import { until, type Workshop } from "../workshop.ts";
import { SoakClient } from "./client.ts";
import { startGateway } from "./gateway.ts";
import { judge, type Verdict } from "./samples.ts";

/** How much. */
export interface ReloadsOptions {
  readonly reloads: number;
  readonly tunnels: number;
  readonly lanes: number;
  readonly workers: number;
}

/** What was seen. */
export interface ReloadsResult {
  /** Reloads that took effect, and those that were refused. */
  readonly taken: number;
  readonly refused: number;
  readonly seconds: number;
  readonly requests: number;
  /** Requests that were not answered with 200 and what one of the configs says. */
  readonly failed: readonly string[];
  /** Tunnels that pass bytes both ways at the end. */
  readonly open: number;
  readonly memory: Verdict;
  readonly exitCode: number;
}

const UPGRADE = "GET /tunnel HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
/** Tunnels are opened in groups of this size, below any listen backlog. */
const GROUP = 100;

/** Answers every request with "up", and sends back what comes in a tunnel. */
function startEcho(): { readonly port: number; stop(): void } {
  const listener = Bun.listen<{ tunnel: boolean }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (socket.data = { tunnel: false }),
      data(socket, bytes) {
        if (socket.data.tunnel) return void socket.write(bytes);
        const text = bytes.toString("latin1");
        socket.data.tunnel = /^upgrade:/im.test(text);
        socket.write(socket.data.tunnel ? SWITCH : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup");
      },
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}

/** A tunnel through the gateway. */
class Tunnel {
  received = "";
  closed = false;
  #socket: Socket | undefined = undefined;

  async open(port: number): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => void socket.write(UPGRADE),
        data: (_, bytes) => void (this.received += bytes.toString("latin1")),
        close: () => void (this.closed = true),
      },
    });
  }

  send(text: string): void {
    this.#socket?.write(text);
  }

  close(): void {
    this.#socket?.terminate();
  }
}

/** Of the files of one run. */
const nameOf = (workers: number): string => `reloads-${workers}`;

/** The texts of a config that is right, whatever its number. */
function texts(number: number, upstream: string, workers: number): { readonly config: string; readonly says: string } {
  const connect = 1 + (Math.floor(number / 4) % 3);
  return {
    says: `export const says: string = "own ${number}";\n`,
    config: `import { defineGateway } from "sluice";
import { says } from "./${nameOf(workers)}.says.ts";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: ${workers},
  log: false,
  upstreams: { up: { targets: [${JSON.stringify(upstream)}], timeouts: { connect: "${connect}s" } } },
  limits: { all: { limit: 1_000_000, window: "1s" } },
  routes: {
    tunnel: { match: "/tunnel", to: "up", upgrade: ["echo"] },
    up: { match: "/up", to: "up", limits: "all" },
    own: { match: "/own", use: [async (_, next) => next()], handler: () => new Response(says) },
    ${Array.from({ length: number % 7 }, (_, i) => `more${i}: { match: "/more/${i}/*", to: "up" },`).join(" ")}
  },
});
`,
  };
}

/** What is wrong with every second config, one after another. */
const BREAKS: readonly ((config: string, says: string) => readonly [config: string, says: string])[] = [
  (config) => [config, "export const says = ;"],
  (config, says) => [config.replace('to: "up"', 'to: "ap"'), says],
  (config) => [config, 'throw new Error("on purpose");'],
  (config, says) => [config.replace("says.ts", "none.ts"), says],
];

/** Reloads so often. */
export async function soakReloads(workshop: Workshop, options: ReloadsOptions): Promise<ReloadsResult> {
  const echo = startEcho();
  try {
    return await soak(workshop, `http://127.0.0.1:${echo.port}`, options);
  } finally {
    echo.stop();
  }
}

async function soak(workshop: Workshop, upstream: string, options: ReloadsOptions): Promise<ReloadsResult> {
  const { reloads, lanes, workers } = options;
  const failed: string[] = [];
  const name = nameOf(workers);
  const write = (config: string, says: string): void => {
    workshop.write(`${name}.config.ts`, config);
    workshop.write(`${name}.says.ts`, says);
  };
  const first = texts(0, upstream, workers);
  write(first.config, first.says);
  const gateway = await startGateway(workshop, name, first.config);
  const tunnels = Array.from({ length: options.tunnels }, () => new Tunnel());
  for (let from = 0; from < tunnels.length; from += GROUP) {
    await Promise.all(tunnels.slice(from, from + GROUP).map((tunnel) => tunnel.open(gateway.port)));
  }
  const all = (said: string) => (): boolean =>
    tunnels.every(({ received, closed }) => closed || received.endsWith(said));
  await until(all("\r\n\r\n"), 10_000, () => "not all tunnels were opened");

  let requests = 0;
  let asking = true;
  const ask = async (): Promise<void> => {
    const client = new SoakClient(gateway.port, (text) => failed.push(text));
    for (let i = 0; asking; i++) {
      const path = i % 2 === 0 ? "/up" : "/own";
      const { kind, status, start } = await client.exchange({
        method: "GET",
        bytes: `GET ${path} HTTP/1.1\r\nHost: gateway\r\n\r\n`,
      });
      requests++;
      const right = kind === "answered" && status === 200 && (i % 2 === 0 ? start === "up" : /^own \d+$/.test(start));
      if (!right) failed.push(`${path}: ${kind} ${status} ${start}`);
    }
    client.close();
  };
  const asked = Promise.all(Array.from({ length: lanes }, ask));

  const began = performance.now();
  const memory: number[] = [];
  const count = { taken: 0, refused: 0 };
  for (let number = 1; number <= reloads; number++) {
    const { config, says } = texts(number, upstream, workers);
    const isBroken = number % 2 === 0;
    if (isBroken) write(...BREAKS[(number / 2) % BREAKS.length]!(config, says));
    else write(config, says);
    const said = await gateway.reload();
    const taken = /^sluice: reloaded/m.test(said);
    if (taken === isBroken) failed.push(`reload ${number}: ${said}`);
    count[taken ? "taken" : "refused"]++;
    memory.push(gateway.residentMiB);
  }
  const seconds = (performance.now() - began) / 1000;
  asking = false;
  await asked;
  for (const tunnel of tunnels) tunnel.send("still here");
  await until(all("still here"), 10_000, () => "").catch(() => undefined);
  const open = tunnels.filter(({ received, closed }) => !closed && received.endsWith("still here")).length;
  for (const tunnel of tunnels) tunnel.close();
  const exitCode = await gateway.stop();
  return { ...count, seconds, requests, failed, open, memory: judge(memory, 0), exitCode };
}
