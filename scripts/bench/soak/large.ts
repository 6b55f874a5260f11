// Soak (c): large answers to readers that stall or are slow. Memory must not grow with what the upstream could send.
import { type Workshop } from "../workshop.ts";
import { SoakClient } from "./client.ts";
import { startGateway } from "./gateway.ts";
import { type OriginConnection, startOrigin } from "./origin.ts";

/** How much to do. */
export interface LargeOptions {
  /** Bytes of each answer. */
  readonly size: number;
  /** Half of them stall, half are slow. */
  readonly readers: number;
  /** How long they do. */
  readonly holdMs: number;
}

/** What was seen. */
export interface LargeResult {
  readonly residentBeforeMiB: number;
  /** Most while the readers stalled or were slow. */
  readonly residentHeldMiB: number;
  /** Most while those that stayed read on at full speed. */
  readonly residentFullMiB: number;
  /** Bytes the origin could send for one stalled reader, at most; kernel buffers included. */
  readonly takenForStalled: number;
  /** Answers that came whole, every byte in its place, of those that stayed. */
  readonly whole: number;
  readonly stayed: number;
  /** Seconds from reading on to the last byte. */
  readonly fullSeconds: number;
  /** Connections to the origin two seconds at most after the clients that stalled went, and after all went. */
  readonly openAfterLeaving: number;
  readonly openAtEnd: number;
  readonly exitCode: number;
  readonly faults: readonly string[];
}

const BLOCK = 64 * 1024;
const SLOW_EVERY_MS = 50;

/** Runs the soak to its end. */
export async function soakLarge(workshop: Workshop, options: LargeOptions): Promise<LargeResult> {
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(text);
  const size = Math.floor(options.size / BLOCK) * BLOCK;
  const sent = new Map<number, number>();
  const origin = startOrigin((connection, request) => {
    const [, kind, reader] = /^\/large\/(sized|chunked)\/(\d+)$/.exec(request.target) ?? [];
    pump(connection, size, kind === "chunked", (bytes) => sent.set(Number(reader), bytes));
  }, fault);
  const gateway = await startGateway(workshop, "large", {
    upstreams: { large: { targets: [`http://127.0.0.1:${origin.port}`], keepAlive: { idle: "1s" } } },
    routes: { large: { match: "/large/*", to: "large" } },
    log: false,
  });

  const residentBeforeMiB = gateway.residentMiB;
  const readers = Array.from({ length: options.readers }, (_, number) => new Reader(number, size, gateway.port, fault));
  await Promise.all(readers.map((reader) => reader.begin()));
  const residentHeldMiB = await peak(wait(options.holdMs), () => gateway.residentMiB);
  const stalled = readers.filter((reader) => reader.stalls);
  const takenForStalled = Math.max(...stalled.map((reader) => sent.get(reader.number) ?? 0));

  const leaving = stalled.filter((_, index) => index % 2 === 0);
  for (const reader of leaving) reader.leave();
  const staying = readers.filter((reader) => !leaving.includes(reader));
  await settled(() => origin.open === staying.length);
  const openAfterLeaving = origin.open - staying.length;

  const began = performance.now();
  const results = Promise.all(staying.map((reader) => reader.finish()));
  const residentFullMiB = await peak(results, () => gateway.residentMiB);
  const whole = (await results).filter(Boolean).length;
  const fullSeconds = (performance.now() - began) / 1000;
  for (const reader of staying) reader.leave();
  await settled(() => origin.open === 0);
  const openAtEnd = origin.open;
  const exitCode = await gateway.stop();
  origin.stop();
  return {
    residentBeforeMiB,
    residentHeldMiB,
    residentFullMiB,
    takenForStalled,
    whole,
    stayed: staying.length,
    fullSeconds,
    openAfterLeaving,
    openAtEnd,
    exitCode,
    faults,
  };
}

/** Sends blocks that begin with their number, as fast as the gateway takes them. */
function pump(connection: OriginConnection, size: number, chunked: boolean, onSent: (bytes: number) => void): void {
  const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  const prefix = chunked ? `${BLOCK.toString(16)}\r\n` : "";
  const wire = Buffer.from(`${prefix}${"z".repeat(BLOCK)}${chunked ? "\r\n" : ""}`, "latin1");
  const blocks = size / BLOCK;
  let block = 0;
  let offset = 0;
  connection.pump = () => {
    while (block < blocks) {
      if (offset === 0) wire.writeUInt32BE(block, prefix.length);
      const taken = connection.writeSome(offset === 0 ? wire : wire.subarray(offset));
      offset += taken;
      onSent(block * BLOCK + offset);
      if (offset < wire.length) return;
      offset = 0;
      block++;
    }
    connection.pump = undefined;
    connection.send(chunked ? "0\r\n\r\n" : "");
  };
  connection.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`, false, () => connection.pump?.());
}

/** One client: even numbers stall, odd ones are slow. */
class Reader {
  readonly number: number;
  readonly stalls: boolean;
  readonly #size: number;
  readonly #client: SoakClient;
  readonly #fault: (text: string) => void;
  #received = 0;
  #misplaced = 0;
  #number = Buffer.alloc(4);
  #hurry = false;
  #timer: Timer | undefined;
  #outcome: Promise<boolean> | undefined;

  constructor(number: number, size: number, port: number, fault: (text: string) => void) {
    this.number = number;
    this.stalls = number % 2 === 0;
    this.#size = size;
    this.#fault = fault;
    this.#client = new SoakClient(port, fault);
  }

  /** Asks, and resolves once the first bytes are there and reading has stopped. */
  begin(): Promise<void> {
    return new Promise((begun) => {
      const kind = this.number % 4 < 2 ? "sized" : "chunked";
      const bytes = `GET /large/${kind}/${this.number} HTTP/1.1\r\nHost: gateway\r\n\r\n`;
      const body = (piece: Buffer): void => {
        this.#check(piece);
        begun();
        if (this.#hurry) return;
        this.#client.pause();
        if (!this.stalls) this.#timer = setTimeout(() => this.#client.resume(), SLOW_EVERY_MS);
      };
      const exchange = this.#client.exchange({ method: "GET", bytes, body, patienceMs: 300_000 });
      this.#outcome = exchange.then(({ kind: how, status, problem }) => {
        const right = how === "answered" && status === 200 && this.#received === this.#size && this.#misplaced === 0;
        if (!right && how !== "left") {
          const where = `${this.#received} of ${this.#size} bytes, ${this.#misplaced} blocks out of place`;
          this.#fault(`reader ${this.number}: ${how} ${status}, ${where} ${problem ?? ""}`);
        }
        begun();
        return right;
      });
    });
  }

  /** Reads on at full speed; whether the answer was right to its last byte. */
  async finish(): Promise<boolean> {
    this.#hurry = true;
    clearTimeout(this.#timer);
    this.#client.resume();
    return (await this.#outcome) ?? false;
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#client.close();
  }

  /** Compares the number at the head of each block, which may lie across two pieces. */
  #check(piece: Buffer): void {
    for (let at = 0; at < piece.length;) {
      const inBlock = (this.#received + at) % BLOCK;
      if (inBlock >= 4) {
        at += BLOCK - inBlock;
        continue;
      }
      this.#number[inBlock] = piece[at]!;
      if (inBlock === 3 && this.#number.readUInt32BE() !== Math.floor((this.#received + at) / BLOCK)) this.#misplaced++;
      at++;
    }
    this.#received += piece.length;
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function settled(condition: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 2000; !condition() && performance.now() < deadline;) await wait(10);
}

/** The greatest value while something runs. */
async function peak(running: Promise<unknown>, value: () => number): Promise<number> {
  let over = false;
  void running.finally(() => (over = true));
  let most = value();
  while (!over) {
    await Promise.race([running, wait(100)]);
    most = Math.max(most, value());
  }
  return most;
}
