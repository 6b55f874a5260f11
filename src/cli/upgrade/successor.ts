// The process that is to take this one's place, as this one sees it: started, listened to, and ended if it does not come to serve.
import { accessSync, constants } from "node:fs";
import { messageOf } from "../../errors.ts";
import type { HandedSockets } from "../../platforms/bun.ts";
import type { HandedSocket } from "../../platforms/listening.ts";
import { duplicate } from "../../platforms/listening-descriptor.ts";
import type { Counted } from "../../shared.ts";
import { EXIT, Refusal } from "../exit.ts";
import { type Channel, openChannel } from "./channel.ts";
import { CHANNEL, type FromSuccessor, PROTOCOL, TAKES_OVER, type ToSuccessor } from "./messages.ts";
import type { Program } from "./program.ts";

/** Most characters of what it says that are kept. */
const MOST_SAID = 16_384;
/** How long it may take to count what it is told last. */
const NOTED_MS = 1000;
/**
 * Starts a command and ends: it is nobody's child then, and becomes that of process 1, or of the user's own systemd. For a
 * main process that is not its child systemd does not wait: it kills it as soon as the unit is stopped (seen with 252).
 */
const APART = ["/bin/sh", "-c", '"$0" "$@" <&0 &'];

/** Exit codes that mean in it what they mean here, too. */
const KNOWN: ReadonlySet<number> = new Set([EXIT.noInput, EXIT.bug, EXIT.permission, EXIT.config]);

/** A process that has been started. */
export class Successor {
  /** Known once it is ready, as is its version. */
  pid = 0;
  version = "";
  /** What it has said on standard error. */
  said = "";
  /** The sockets under the numbers that they have in it. */
  readonly handed: HandedSockets;
  readonly #child: Bun.Subprocess;
  readonly #channel: Channel<ToSuccessor>;
  readonly #kinds = new Map<FromSuccessor["kind"], () => void>();
  #refused: ((refusal: Refusal) => void) | undefined = undefined;
  #refusal: Refusal | undefined = undefined;
  /** What it is going to end with, as it has said. */
  #exitCode: number | undefined = undefined;
  /** What it is to be told in one piece. */
  #counted: Counted[] = [];

  /**
   * Starts it.
   * @param apart whether it is to be no child of this process, see APART
   * @throws Refusal when the system does not start it
   */
  constructor({ command, environment, folder }: Program, sockets: HandedSockets, apart: boolean) {
    const { handed, descriptors } = numbered(sockets);
    try {
      accessSync(command[0]!, constants.X_OK);
      this.#child = Bun.spawn(apart ? [...APART, ...command] : [...command], {
        cwd: folder,
        env: { ...environment, WATCHDOG_PID: undefined, [TAKES_OVER]: PROTOCOL },
        stdio: ["inherit", "inherit", "inherit", "pipe", ...descriptors],
        onExit: (_, exitCode, signal) => {
          if (!apart) this.#ended(exitCode, signal);
        },
      });
    } catch (error) {
      throw new Refusal(EXIT.os, `it cannot be started (${messageOf(error)})`);
    }
    this.handed = handed;
    // Bun closes its own when the command ends.
    const fd = duplicate(this.#child.stdio[CHANNEL] as unknown as number);
    const closed = (): void => {
      if (apart) this.#ended(null, null);
    };
    this.#channel = openChannel(fd, (message) => this.#hear(message as FromSuccessor), closed);
  }

  /** Tells it; one that has ended does not hear it. */
  send(message: ToSuccessor): void {
    this.#channel.send(message);
  }

  /** Tells it what was counted, all of this turn of the event loop together. */
  readonly count = (counted: Counted): void => {
    if (this.#counted.push(counted) > 1) return;
    setImmediate(() => this.#flush());
  };

  #flush(): void {
    if (this.#counted.length > 0) this.send({ kind: "counted", counted: this.#counted });
    this.#counted = [];
  }

  /** Resolves once it says so. @throws Refusal when it ends before, or takes longer */
  async heard(kind: FromSuccessor["kind"], mostMs: number): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#kinds.set(kind, resolve);
    this.#refused = reject;
    const late = setTimeout(() => {
      reject(new Refusal(EXIT.os, `it was not ${kind} within ${mostMs / 1000} s`));
      this.end();
    }, mostMs);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#refused = undefined;
    }
  }

  /** All is told that was counted here; resolves once it has counted that too, or does not answer. */
  async over(): Promise<void> {
    this.#flush();
    this.send({ kind: "over" });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#kinds.set("noted", resolve);
    setTimeout(resolve, NOTED_MS);
    await promise;
  }

  /** Ends it at once. One that has not said who it is ends because nobody speaks to it any more. */
  end(): void {
    this.#channel.close();
    this.#child.kill("SIGKILL");
    if (this.pid > 0) kill(this.pid);
  }

  #hear(message: FromSuccessor): void {
    if (message.kind === "said") this.said = (this.said + message.text).slice(0, MOST_SAID);
    if (message.kind === "ends") this.#exitCode = message.exitCode;
    if (message.kind === "ready") {
      this.version = message.version;
      this.pid = message.pid;
    }
    this.#kinds.get(message.kind)?.();
  }

  #ended(exitCode: number | null, signal: number | string | null): void {
    const known = exitCode ?? this.#exitCode;
    const code = known !== undefined && KNOWN.has(known) ? known : EXIT.os;
    this.#refusal = new Refusal(code, `it ${howEnded(known, signal)} before it served`);
    this.#refused?.(this.#refusal);
  }
}

function howEnded(exitCode: number | undefined, signal: number | string | null): string {
  if (exitCode !== undefined) return `ended with exit code ${exitCode}`;
  return signal === null ? "ended" : `was ended by signal ${signal}`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Descriptors in the order in which a process gets them, and the sockets under the numbers that they have then. */
function numbered(sockets: HandedSockets): { readonly handed: HandedSockets; readonly descriptors: readonly number[] } {
  const descriptors: number[] = [];
  const of = (all: readonly HandedSocket[]): HandedSocket[] =>
    all.map((socket) => ({ ...socket, fd: CHANNEL + descriptors.push(socket.fd) }));
  return { handed: { gateway: of(sockets.gateway), admin: of(sockets.admin) }, descriptors };
}
