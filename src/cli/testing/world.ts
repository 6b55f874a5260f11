// What is around a gateway under test: a platform of fakes that goes on by itself, but for its clock.
import type { ConfigReader } from "../../config/fault.ts";
import { chances } from "../../http/chance.ts";
import { FakePlatform } from "../../platforms/fake/platform.ts";
import { momentOf } from "./clock.ts";
import type { TestGatewayOptions } from "./options.ts";

/** Turns of the event loop in which nothing happens before the world is taken to be at rest. */
const QUIET_TURNS = 5;
/** What threads of the runtime do, such as hashes, takes a moment of the machine's own time. */
const LEAST_MS = 2;

/** The platform of one gateway. */
export class TestWorld extends FakePlatform {
  /** What the config finds outside itself. */
  readonly reader: ConfigReader;
  readonly #chance = chances(1);
  #turning = false;

  /** @param beside reads files beside the test */
  constructor({ env = {}, files = {}, at }: TestGatewayOptions, beside: ConfigReader) {
    super();
    // Clients read what came before a reset.
    this.network.resetOvertakes = false;
    this.clock.epoch = (at === undefined ? Date.now() : momentOf(at)) - this.clock.time;
    const locate = (path: string): string => beside.locate?.(path) ?? path;
    const given = new Map(Object.entries(files).map(([path, text]) => [locate(path), text]));
    this.reader = {
      env: (name) => env[name],
      locate,
      file: (path) => {
        const text = given.get(locate(path)) ?? beside.file(path);
        // Those that the config names may be read again while the gateway runs.
        if (text !== undefined) this.files.write(locate(path), text);
        return text;
      },
    };
    for (const [path, text] of given) this.files.write(path, text);
  }

  /** The same in each run, and still as if by chance. */
  override random(count: number): Int32Array {
    return Int32Array.from({ length: count }, () => this.#chance() * 2 ** 32);
  }

  /** From now on whatever is ready happens, a turn later: as an event loop does. */
  goOn(): void {
    const turn = (): void => {
      if (this.#turning) return;
      this.#turning = true;
      setImmediate(() => {
        this.#turning = false;
        this.clock.settle();
      });
    };
    this.clock.onReady = turn;
    turn();
  }

  /** Nothing happens by itself any more. */
  stop(): void {
    this.clock.onReady = undefined;
  }

  /** Resolves when nothing happens any more unless the clock is moved. */
  async rest(): Promise<void> {
    const { clock } = this;
    const began = performance.now();
    for (let quiet = 0, before = -1; quiet < QUIET_TURNS || performance.now() - began < LEAST_MS; quiet++) {
      clock.settle();
      if (clock.happened !== before) quiet = 0;
      before = clock.happened;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
