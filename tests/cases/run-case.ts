// Runs one variant of a case against the executable: origins, gateway, the client's steps, then the checks.
import { connect, exchange, type RawClient } from "../support/raw-client.ts";
import { elapse } from "../support/deadline.ts";
import { configText, startGateway, type Gateway } from "../support/executable.ts";
import type { FrameEnd } from "../support/websocket-frames.ts";
import { startOrigin, type RawOrigin } from "../support/raw-origin.ts";
import { failuresOf } from "./checks.ts";
import { CONFIGS } from "./configs.ts";
import { substitute, type Case, type Json, type Step, type Variant } from "./format.ts";
import { count200, type IssuerState, JWT_OPERATIONS, tokenOf } from "./jwt-steps.ts";
import { observeMetrics } from "./metrics-steps.ts";
import { observeOrigin, observeResponse, sha256 } from "./observations.ts";
import { ORIGINS } from "./origins.ts";
import { POOL_OPERATIONS } from "./pool-steps.ts";
import { nothingSeen, openWebSocket, readUntilClosed, type ObservedEnd } from "./websocket-steps.ts";

/** How long a check that does not hold yet may take to come true: closes and records arrive a little after an answer. */
const SETTLE_MS = 2500;

/** Everything of one run. */
class Run {
  readonly origins: Record<string, RawOrigin> = {};
  readonly ends: number[] = [];
  readonly seen: ObservedEnd = nothingSeen();
  readonly issuer: IssuerState = { keys: [], state: "serving", delayMs: 200 };
  readonly results: Record<string, unknown> = {};
  readonly clients = new Map<string, RawClient>();
  readonly pools = new Map<string, readonly RawClient[]>();
  readonly webSockets = new Map<string, { end: FrameEnd; since: number; sentClose: boolean }>();
  readonly vars: Record<string, Json>;
  gateway!: Gateway;
  restart!: () => Promise<void>;
  configText!: () => string;
  sentAt = 0;

  constructor(vars: Readonly<Record<string, Json>>) {
    this.vars = { ...vars };
  }

  get port(): number {
    return this.gateway.port;
  }

  client(step: Step): RawClient {
    const client = this.clients.get(step.conn ?? "");
    if (client === undefined) throw new Error(`step ${step.op}: no connection ${String(step.conn)}`);
    return client;
  }

  webSocket(step: Step): { end: FrameEnd; since: number; sentClose: boolean } {
    const webSocket = this.webSockets.get(step.conn ?? "");
    if (webSocket === undefined) throw new Error(`step ${step.op}: no WebSocket ${String(step.conn)}`);
    return webSocket;
  }

  text(step: Step, key: string): string {
    return String(substitute((step[key] ?? "") as Json, this.vars));
  }

  number(step: Step, key: string): number {
    const value = Number(substitute((step[key] ?? null) as Json, this.vars));
    if (!Number.isFinite(value)) throw new Error(`step ${step.op}: ${key} is no number`);
    return value;
  }

  /** All observations by name. Origins are read anew at each call. */
  observed(alive: boolean): Record<string, unknown> {
    const observed: Record<string, unknown> = {
      ...this.results,
      count_200: count200(this.results),
      gateway: { alive, rss_bytes: this.gateway.residentBytes },
    };
    for (const [name, origin] of Object.entries(this.origins))
      observed[name] = observeOrigin(origin, this.ends, this.seen);
    for (const [name, client] of this.clients) {
      observed[name] = { closed_by_gateway: client.ending === "fin" || client.ending === "reset" };
    }
    return observed;
  }
}

type Operation = (run: Run, step: Step) => Promise<void> | void;

const ended = (run: Run): void => void run.ends.push(performance.now());

const OPERATIONS: Readonly<Record<string, Operation>> = {
  connect: async (run, step) => {
    run.clients.get(step.conn!)?.close();
    run.clients.set(step.conn!, await connect(run.gateway.port));
  },
  open_connections: async (run, step) => {
    const port = run.gateway.port;
    run.pools.set(step.as!, await Promise.all(Array.from({ length: run.number(step, "n") }, () => connect(port))));
  },
  send_all_at_once: async (run, step) => {
    const pool = run.pools.get(String(step["conns"])) ?? [];
    const keys = /^alternating (.*)$/.exec(String(run.vars["KEY"] ?? ""))?.[1]?.split(", ");
    const timeoutMs = run.number(step, "timeout_ms");
    // Every text is made before the first byte leaves.
    const raws = pool.map((_, at) => {
      if (keys !== undefined) run.vars["KEY"] = keys[at % keys.length]!;
      return String(substitute(run.text(step, "raw"), run.vars));
    });
    await Promise.all(pool.map((client, at) => client.send(raws[at]!)));
    const answers = await Promise.all(pool.map((client) => client.receive({ timeoutMs })));
    const count = (status: number): number => answers.filter((answer) => answer.status === status).length;
    run.results[step.as!] = { count_200: count(200), count_429: count(429) };
  },
  send: async (run, step) => {
    if (step["reconnect_if_closed"] === true && run.client(step).ending !== "open")
      await OPERATIONS["connect"]!(run, step);
    run.sentAt = performance.now();
    await run.client(step).send(run.text(step, "raw"));
  },
  send_body_request: async (run, step) => {
    const { pattern, bytes } = step["body"] as { pattern: string; bytes: Json };
    const body = Buffer.alloc(Number(substitute(bytes, run.vars)), pattern, "latin1");
    const chunked = run.text(step, "framing") === "chunked";
    const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
    const client = run.client(step);
    run.results["client_body_sha256"] = sha256(body);
    run.sentAt = performance.now();
    await client.send(
      `${run.text(step, "method")} ${run.text(step, "target")} HTTP/1.1\r\nHost: gw.test\r\n${framing}\r\n\r\n`,
    );
    const pieces = run.number(step, "pieces");
    for (let i = 0; i < pieces; i++) {
      const piece = body.subarray((i * body.length) / pieces, ((i + 1) * body.length) / pieces);
      const head = chunked ? `${piece.length.toString(16)}\r\n` : "";
      // Who has its answer already may close.
      await client.send(Buffer.concat([Buffer.from(head), piece, Buffer.from(chunked ? "\r\n" : "")]));
      await elapse(run.number(step, "gap_ms"));
    }
    if (chunked) await client.send("0\r\n\r\n");
  },
  recv: async (run, step) => {
    const method = step["method"] === undefined ? "GET" : run.text(step, "method");
    const response = await run.client(step).receive({ method, timeoutMs: run.number(step, "timeout_ms") });
    ended(run);
    run.results[step.as!] = observeResponse(response, run.sentAt);
  },
  recv_all: async (run, step) => {
    const responses = await run.client(step).receiveAll({ timeoutMs: run.number(step, "timeout_ms") });
    run.results[step.as!] = responses.map((response) => observeResponse(response, run.sentAt));
  },
  recv_bytes: async (run, step) => {
    const count = run.number(step, "n");
    if (count > 0) await run.client(step).receiveBytes(count, run.number(step, "timeout_ms"));
  },
  request: async (run, step) => {
    await exchange(run.gateway.port, run.text(step, "raw"));
    ended(run);
  },
  close: (run, step) => {
    ended(run);
    run.client(step).close();
  },
  reset: (run, step) => {
    ended(run);
    run.client(step).reset();
  },
  shutdown_write: (run, step) => run.client(step).finish(),
  sleep: (run, step) => elapse(run.number(step, "ms")),
  expect_silence: (run, step) => run.client(step).expectSilence(run.number(step, "ms")),
  scrape: async (run, step) => {
    run.results[step.as!] = await observeMetrics(run.gateway.adminPort);
  },
  repeat: async (run, step) => {
    for (let times = run.number(step, "times"); times > 0; times--) await runSteps(run, step.steps!);
  },
  for_each: async (run, step) => {
    for (const it of substitute(step["of"] as Json, run.vars) as Json[]) {
      run.vars["it"] = it;
      await runSteps(run, step.steps!);
    }
  },
  measure: (run, step) => {
    const measured: Record<string, unknown> = { gateway: { rss_bytes: run.gateway.residentBytes } };
    for (const [name, origin] of Object.entries(run.origins)) measured[name] = { open_connections: origin.open };
    for (const what of step["what"] as string[]) {
      if (!/^(gateway\.rss_bytes|u\d\.open_connections)$/.test(what)) throw new Error(`cannot measure ${what}`);
    }
    run.results[step.as!] = measured;
  },
  ws_connect: async (run, step) => {
    await OPERATIONS["connect"]!(run, step);
    const end = await openWebSocket(run.client(step), run.text(step, "path"));
    run.webSockets.set(step.conn!, { end, since: 0, sentClose: false });
  },
  ws_send_text: async (run, step) => {
    const webSocket = run.webSocket(step);
    webSocket.since = performance.now();
    await webSocket.end.send(1, run.text(step, "text"));
  },
  ws_wait: () => {},
  ws_close: async (run, step) => {
    const webSocket = run.webSocket(step);
    webSocket.sentClose = true;
    await webSocket.end.sendClose(run.number(step, "code"), run.text(step, "reason"));
  },
  ws_recv_until_closed: async (run, step) => {
    const { end, since, sentClose } = run.webSocket(step);
    run.results[step.as!] = await readUntilClosed(
      run.client(step),
      end,
      since,
      sentClose,
      run.number(step, "timeout_ms"),
    );
  },
};

async function runSteps(run: Run, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const name = String(substitute(step.op, run.vars));
    const operation = OPERATIONS[name];
    const withTokens = JWT_OPERATIONS[name];
    const withPool = POOL_OPERATIONS[name];
    if (operation !== undefined) await operation(run, step);
    else if (withPool !== undefined) await withPool(run, step);
    else if (withTokens !== undefined) await withTokens(run, step);
    else throw new Error(`unknown step operation ${name}`);
  }
}

/** Runs a variant and returns what does not hold; a variant without expectation of its own takes the case's. */
export async function runVariant(theCase: Case, variant: Variant): Promise<string[]> {
  const configOf = CONFIGS[theCase.id];
  const originOf = ORIGINS[theCase.id];
  if (configOf === undefined || originOf === undefined)
    throw new Error(`${theCase.id} has no config or no origin here`);
  const run = new Run({ VARIANT: variant.name, ...variant.vars });
  try {
    for (const server of theCase.upstream.servers) {
      run.origins[server.name] = await startOrigin(originOf(server, run.vars, run.seen, run.issuer));
    }
    const { TOKEN } = run.vars;
    if (TOKEN !== undefined) run.vars["TOKEN"] = tokenOf(String(TOKEN), run.origins["evil"]?.url);
    const config = configOf(run.origins, run.vars);
    run.configText = () => configText(configOf(run.origins, run.vars));
    run.gateway = await startGateway(config);
    run.restart = async () => {
      await run.gateway.stop();
      run.gateway = await startGateway(config);
    };
    await runSteps(run, theCase.client.steps);
    return await settle(run, theCase, variant);
  } finally {
    for (const client of [...run.clients.values(), ...[...run.pools.values()].flat()]) client.close();
    try {
      await run.gateway?.stop();
    } finally {
      await Promise.all(Object.values(run.origins).map((origin) => origin.stop()));
    }
  }
}

async function settle(run: Run, theCase: Case, variant: Variant): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const setting = { observed: run.observed(await answers(run.gateway)), vars: run.vars, variant: variant.name };
    const failures = failuresOf(theCase.expect, setting);
    if (variant.expect !== undefined) failures.push(...failuresOf(variant.expect, setting));
    if (theCase.expect.after !== undefined) failures.push(...failuresOf({ all: theCase.expect.after }, setting));
    if (failures.length === 0 || performance.now() > deadline) return failures;
    await elapse(20);
  }
}

/** Whether the gateway still answers. The method is one that no route forwards. */
async function answers(gateway: Gateway): Promise<boolean> {
  if (!gateway.alive) return false;
  const response = await exchange(gateway.port, "TRACE /alive HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n");
  return response.status !== 0;
}
