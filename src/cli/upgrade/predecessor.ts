// The process whose place this one takes, as this one sees it: what it hands over, and when.
import { type CountsPlatform, takeCounts } from "../../counts.ts";
import type { Counted } from "../../shared.ts";
import { noticeText } from "../../verbosity.ts";
import { EXIT, Refusal } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import type { Handing } from "./handing.ts";
import { type Channel, openChannel } from "./channel.ts";
import { CHANNEL, type FromSuccessor, PROTOCOL, TAKES_OVER, type ToSuccessor } from "./messages.ts";

type Begin = Extract<ToSuccessor, { kind: "begin" }>;

/**
 * The process before this one; undefined where this one takes nobody's place. The environment says it, and forgets it.
 */
export function predecessorOf(environment: NodeJS.ProcessEnv): Predecessor | undefined {
  const protocol = environment[TAKES_OVER];
  delete environment[TAKES_OVER];
  return protocol === undefined ? undefined : new Predecessor(protocol);
}

/** The process that still serves, while this one takes its place. */
export class Predecessor {
  readonly #protocol: string;
  readonly #channel: Channel<FromSuccessor>;
  readonly #messages = new Map<ToSuccessor["kind"], PromiseWithResolvers<ToSuccessor>>();
  /** What it has counted, before its table is here. */
  #counted: Counted[] = [];
  #handing: Handing | undefined = undefined;
  readonly #gone = Promise.withResolvers<void>();

  /** @param protocol that it speaks */
  constructor(protocol: string) {
    this.#protocol = protocol;
    this.#channel = openChannel(
      CHANNEL,
      (message) => this.#hear(message as ToSuccessor),
      () => this.#left(),
    );
  }

  /** Resolves once it has nothing more to tell. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** What this process begins with. @throws Refusal when the two do not understand each other */
  async begin(): Promise<Begin> {
    if (this.#protocol !== PROTOCOL) {
      const message = "The version that runs cannot be taken over by this one.";
      throw new Refusal(EXIT.os, message, { hint: "Restart it instead." });
    }
    return (await this.#message("begin")) as Begin;
  }

  /** A terminal whose messages it hears too, until this process serves. */
  hearing(terminal: Terminal): Terminal {
    return {
      ...terminal,
      err: (text) => {
        terminal.err(text);
        this.say(text);
      },
    };
  }

  /** Tells it why this process cannot serve. */
  say(text: string): void {
    if (this.#handing === undefined) this.#channel.send({ kind: "said", text: `${Bun.stripANSI(text)}\n` });
  }

  /** Tells it that this process ends, if it has not come to serve. */
  ends(exitCode: number): void {
    if (this.#handing === undefined) this.#channel.send({ kind: "ends", exitCode });
  }

  /**
   * Takes its place: says that this process could serve, waits to be told to, goes on where it has counted, and accepts.
   * Resolves once it leaves. @throws Refusal when it stays
   */
  async takeOver(handing: Handing, version: string, platform: CountsPlatform): Promise<void> {
    this.#channel.send({ kind: "ready", version, pid: process.pid });
    const { counts, orders } = (await this.#message("take")) as Extract<ToSuccessor, { kind: "take" }>;
    if (counts !== undefined && handing.counts !== undefined) {
      const why = takeCounts(Buffer.from(counts, "base64"), handing.counts, platform);
      if (why !== undefined) throw new Refusal(EXIT.os, `What limits have counted cannot be taken over: it ${why}.`);
    }
    handing.obey(orders);
    this.#handing = handing;
    handing.add(this.#counted);
    await handing.accept(true);
    this.#channel.send({ kind: "serving" });
    await this.#message("yours");
    handing.begin();
  }

  #message(kind: ToSuccessor["kind"]): Promise<ToSuccessor> {
    const known = this.#messages.get(kind) ?? Promise.withResolvers<ToSuccessor>();
    this.#messages.set(kind, known);
    return known.promise;
  }

  #hear(message: ToSuccessor): void {
    switch (message.kind) {
      case "counted":
        if (this.#handing === undefined) this.#counted.push(...message.counted);
        else this.#handing.add(message.counted);
        return;
      case "over":
        this.#gone.resolve();
        return this.#channel.send({ kind: "noted" });
      default:
        void this.#message(message.kind);
        this.#messages.get(message.kind)!.resolve(message);
    }
  }

  /** It is gone. What has not begun to serve never will: whatever serves is not this. */
  #left(): void {
    if (this.#handing === undefined) {
      const what = `the process that this one was to take over from is gone (${TAKES_OVER} is set)`;
      process.stderr.write(`${noticeText("error", what)}\n`);
      process.exit(EXIT.failure);
    }
    this.#gone.resolve();
    void this.#message("yours");
    this.#messages.get("yours")!.resolve({ kind: "yours" });
  }
}
