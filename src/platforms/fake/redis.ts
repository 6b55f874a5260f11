// Redis in the fake world: a test says whether it can be reached, and what it answers.
import type { Platform, RedisConnection, RedisHandler, RedisOptions } from "../../platform.ts";
import type { FakeClock } from "./clock.ts";

/** A command that has come. */
export interface FakeCommand {
  readonly name: string;
  readonly args: readonly string[];
  /** When, by the fake clock. */
  readonly at: number;
  answer(reply: unknown): void;
  refuse(message: string): void;
}

/** A Redis that knows nothing by itself. */
export class FakeRedis {
  /** What comes of connecting: nothing at all, or a reason why it fails. Undefined: it is connected. */
  connecting: "never" | { readonly refused: string } | undefined = undefined;
  /** Called for each command; unless it answers or refuses, the command waits. */
  commanded: (command: FakeCommand) => void = (command) => command.answer(passes(command));
  /** All that came, in order. */
  readonly commands: FakeCommand[] = [];
  /** When connections were asked for. */
  readonly attempts: number[] = [];
  /** Connections that are open. */
  readonly open = new Set<RedisHandler>();
  options: RedisOptions | undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** What the platform lends. */
  readonly connect: NonNullable<Platform["redis"]> = (options, handler): RedisConnection => {
    const clock = this.#clock;
    this.options = options;
    this.attempts.push(clock.time);
    this.open.add(handler);
    const { connecting } = this;
    const waiting = new Set<(error: Error) => void>();
    const left = handler.closed.bind(handler);
    handler.closed = (reason) => {
      if (!this.open.delete(handler)) return;
      for (const reject of waiting) reject(new Error(reason));
      left(reason);
    };
    clock.soon(() => {
      if (!this.open.has(handler) || connecting === "never") return;
      if (connecting === undefined) handler.connected();
      else handler.closed(connecting.refused);
    });
    return {
      send: (name, args) =>
        new Promise((resolve, reject) => {
          waiting.add(reject);
          const settle = (how: () => void): void => {
            if (waiting.delete(reject)) clock.soon(how);
          };
          const command: FakeCommand = {
            name,
            args,
            at: clock.time,
            answer: (reply) => settle(() => resolve(reply)),
            refuse: (message) => settle(() => reject(new Error(message))),
          };
          this.commands.push(command);
          this.commanded(command);
        }),
      close: () => {
        this.open.delete(handler);
        for (const reject of waiting) reject(new Error("closed"));
      },
    };
  };

  /** Ends all connections. */
  die(reason = "reset"): void {
    for (const handler of [...this.open]) handler.closed(reason);
  }
}

/** The reply to a script that lets all pass: each limit has one unit less than it may have. */
export function passes({ args }: FakeCommand, refused = 0): number[] {
  const keys = Number(args[1]);
  const limits = Array.from({ length: keys }, (_, i) => Number(args[2 + keys + i * 4]));
  return [
    1.7e15,
    refused,
    ...limits.flatMap((limit, i) => (i + 1 === refused ? [0, 0, 2_000_000] : [1, limit - 1, 3_000_000])),
  ];
}
