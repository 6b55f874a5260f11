// The platform of the fake world: all that a runtime lends to the gateway, and nothing that takes time.
import type { Platform } from "../../platform.ts";
import { idsOf } from "../../http/ids.ts";
import { FakeClock } from "./clock.ts";
import { FakeFiles } from "./files.ts";
import { FakeNames } from "./names.ts";
import { FakeNetwork } from "./network.ts";
import { FakeRedis } from "./redis.ts";
import { type NoticeLevel, Verbosity } from "../../verbosity.ts";

/** A Platform whose clock, network and output belong to the test. */
export class FakePlatform implements Platform {
  readonly runtime = "bun";
  readonly terminal = false;
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork(this.clock);
  /** Lines of the access log, in order. */
  readonly lines: string[] = [];
  readonly notices: { level: NoticeLevel; text: string }[] = [];
  /** Lines that went elsewhere, by where; those that were closed again are not there. */
  readonly sinks = new Map<string, string[]>();
  readonly self = { host: "gateway.test", pid: 7 };
  /** How many ids were given out: one for the gateway itself, and one for each exchange. */
  uuids = 0;
  readonly connect = this.network.connect;
  readonly agreesOnHttp2 = true;
  readonly listen = this.network.listen;
  readonly fakeRedis = new FakeRedis(this.clock);
  readonly redis = this.fakeRedis.connect;

  readonly linesTo: Platform["linesTo"] = ({ name }) => {
    const lines: string[] = [];
    this.sinks.set(name, lines);
    return { write: (line) => void lines.push(line), lost: 0, close: () => void this.sinks.delete(name) };
  };

  now(): number {
    return this.clock.time;
  }

  wallClock(): number {
    return this.clock.epoch + this.clock.time;
  }

  setTimer(callback: () => void, ms: number): unknown {
    return this.clock.setTimer(callback, ms);
  }

  clearTimer(timer: unknown): void {
    this.clock.clearTimer(timer);
  }

  readonly ids = idsOf(() => {
    const count = String(++this.uuids);
    return `${count.padStart(8, "0")}-0000-4000-8000-${count.padStart(12, "0")}`;
  });

  random(count: number): Int32Array {
    return Int32Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e3779b9));
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(Bun.SHA256.hash(bytes).buffer);
  }

  readonly passwordForms: Platform["passwordForms"] = ["argon2id", "bcrypt"];

  verifyPassword(password: string, hash: string): Promise<boolean> {
    return Bun.password.verify(password, hash);
  }

  readonly subtle = crypto.subtle;
  readonly files = new FakeFiles();
  readonly names = new FakeNames();

  /** What answers to the runtime's fetch: a test may put its own here. */
  fetch: Platform["fetch"] = () => Promise.reject(new Error("nothing is fetched in the fake world"));

  /** Lines of the log that nobody took: a test may say so. */
  lost = 0;
  readonly linesLost = (): number => this.lost;

  line(text: string): void {
    this.lines.push(text);
  }

  readonly verbosity = new Verbosity();

  notice(level: NoticeLevel, text: string): void {
    if (this.verbosity.tells(level)) this.notices.push({ level, text });
  }
}
