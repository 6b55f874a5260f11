// Soak (a): many requests that the upstream holds at once. All must be in flight together, then all are answered.
import { until, type Workshop } from "../workshop.ts";
import { SoakClient } from "./client.ts";
import { startGateway } from "./gateway.ts";
import { startOrigin } from "./origin.ts";

/** What was seen. */
export interface HeldResult {
  readonly requests: number;
  /** Most requests the origin held at one time. */
  readonly together: number;
  /** Milliseconds until it held them all, and from then until all clients had their answers. */
  readonly gatheredMs: number;
  readonly answeredMs: number;
  /** Answers that were whole, of status 200, and the asker's own. */
  readonly right: number;
  readonly residentMiB: number;
  readonly sockets: number;
  /** Sockets left half a minute at most after all clients went, the listening one included. */
  readonly socketsAfter: number;
  readonly exitCode: number;
  readonly faults: readonly string[];
}

/** Clients connect in groups of this size, below any listen backlog. */
const GROUP = 100;

/** Sends so many requests and lets none be answered before all have arrived. */
export async function soakHeld(workshop: Workshop, requests: number): Promise<HeldResult> {
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(text);
  const held: (() => void)[] = [];
  const origin = startOrigin((connection, request) => {
    held.push(() => {
      const body = request.target;
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
  }, fault);
  const gateway = await startGateway(workshop, `held-${requests}`, {
    upstreams: { held: { targets: [`http://127.0.0.1:${origin.port}`], keepAlive: { idle: "1s" } } },
    routes: { held: { match: "/held/*", to: "held" } },
    log: false,
  });
  const socketsBefore = gateway.openSockets;
  const clients = Array.from({ length: requests }, () => new SoakClient(gateway.port, fault));
  const began = performance.now();
  const outcomes: Promise<boolean>[] = [];
  for (let first = 0; first < requests; first += GROUP) {
    const group = clients.slice(first, first + GROUP);
    await Promise.all(group.map((client) => client.open()));
    outcomes.push(
      ...group.map(async (client, index) => {
        const target = `/held/${first + index}`;
        const bytes = `GET ${target} HTTP/1.1\r\nHost: gateway\r\n\r\n`;
        const outcome = await client.exchange({ method: "GET", bytes });
        return outcome.kind === "answered" && outcome.status === 200 && outcome.start === target;
      }),
    );
  }
  await until(
    () => held.length === requests,
    20_000,
    () => `${held.length} of ${requests} requests arrived together`,
  ).catch((error: Error) => fault(error.message));
  const together = held.length;
  const gatheredMs = performance.now() - began;
  const { residentMiB, openSockets: sockets } = gateway;
  const released = performance.now();
  for (const release of held) release();
  const right = (await Promise.all(outcomes)).filter(Boolean).length;
  const answeredMs = performance.now() - released;
  for (const client of clients) client.close();
  await until(
    () => gateway.openSockets <= socketsBefore,
    30_000,
    () => `${gateway.openSockets} sockets stay open, ${socketsBefore} before the first client`,
  ).catch((error: Error) => fault(error.message));
  const socketsAfter = gateway.openSockets;
  const exitCode = await gateway.stop();
  origin.stop();
  return { requests, together, gatheredMs, answeredMs, right, residentMiB, sockets, socketsAfter, exitCode, faults };
}
