// A real ACME server for tests: Pebble, on loopback, with host names that all lead to 127.0.0.1.
import { mkdtempSync, rmSync } from "node:fs";
import { createSocket, type Socket } from "node:dgram";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "./certificates.ts";
import { closedPort } from "./closed-port.ts";
import { until, within } from "./deadline.ts";
import { accepts } from "./raw-client.ts";
import { pathOfTool } from "./requirements.ts";

/** How to start it. */
export interface PebbleStart {
  /** The port that it asks for http-01. */
  readonly httpPort: number;
  /** Keys of external accounts by identifier: base64url. Then none is made without one. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** How long certificates hold. Default: five years. */
  readonly validSeconds?: number;
  /** Percent of nonces that it refuses although they are good. Default: 20. */
  readonly refuseNonces?: number;
}

/** A running Pebble. */
export class Pebble {
  readonly directory: string;
  /** PEM of the authority of its own certificate. */
  readonly ca = certificates().ca.cert;
  /** What it has written. */
  readonly output: { text: string };
  readonly #folder: string;
  readonly #child: Bun.Subprocess;
  readonly #names: Socket;

  /** Use startPebble. */
  constructor(port: number, folder: string, child: Bun.Subprocess, output: { text: string }, names: Socket) {
    this.directory = `https://127.0.0.1:${port}/dir`;
    this.#folder = folder;
    this.#child = child;
    this.output = output;
    this.#names = names;
  }

  /** How many orders it was asked for. */
  get orders(): number {
    return this.output.text.match(/Added order/g)?.length ?? 0;
  }

  /** Ends it at once, and waits for that. */
  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await within(this.#child.exited, "pebble to end");
    this.#names.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts a Pebble and waits until it accepts. */
export async function startPebble(options: PebbleStart): Promise<Pebble> {
  const { httpPort, externalAccounts, validSeconds, refuseNonces = 20 } = options;
  const folder = mkdtempSync(join(tmpdir(), "sluice-pebble-"));
  const { local } = certificates();
  const port = closedPort();
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: "",
      certificate: local.certFile,
      privateKey: local.keyFile,
      httpPort,
      tlsPort: closedPort(),
      ocspResponderURL: "",
      externalAccountBindingRequired: externalAccounts !== undefined,
      ...(externalAccounts && { externalAccountMACKeys: externalAccounts }),
      ...(validSeconds && { certificateValidityPeriod: validSeconds }),
    },
  };
  await Bun.write(join(folder, "pebble.json"), JSON.stringify(config));
  const names = await everyNameIsHere();
  const command = [pathOfTool("pebble"), "-config", join(folder, "pebble.json")];
  const child = Bun.spawn([...command, "-dnsserver", `127.0.0.1:${names.address().port}`], {
    cwd: folder,
    env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: `${refuseNonces}`, PEBBLE_AUTHZREUSE: "0" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr]) void collect(stream, output);
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`pebble ended: ${output.text}`);
      return accepts(port);
    },
    () => `pebble to listen; ${output.text}`,
  );
  return new Pebble(port, folder, child, output, names);
}

async function collect(stream: ReadableStream<Uint8Array>, output: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) output.text += decoder.decode(bytes, { stream: true });
}

/** A name server that says 127.0.0.1 to every question for an address (RFC 1035 section 4). */
async function everyNameIsHere(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    let end = 12;
    while (question[end]! > 0) end += question[end]! + 1;
    const isAddress = question.readUInt16BE(end + 1) === 1;
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8580, 2);
    head.writeUInt16BE(isAddress ? 1 : 0, 6);
    head.fill(0, 8, 12);
    const answer = Buffer.from("c00c000100010000000000047f000001", "hex");
    const asked = question.subarray(12, end + 5);
    socket.send(Buffer.concat(isAddress ? [head, asked, answer] : [head, asked]), from.port, from.address);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.bind(0, "127.0.0.1", resolve);
  await promise;
  return socket;
}
