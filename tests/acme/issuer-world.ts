// An issuer with a fake authority, a clock moved by hand, and a disk that outlives it.
import { Issuer } from "../../src/acme/issuer.ts";
import type { AcmePlan } from "../../src/config/listen/plan.ts";
import { Secret } from "../../src/config/secrets.ts";
import { LatestIssued } from "../../src/issued.ts";
import type { Platform } from "../../src/platform.ts";
import { certificate } from "../../src/platforms/certificate.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { PATIENCE_MS } from "../support/deadline.ts";
import { FakeAuthority } from "../support/fake-authority.ts";

/** Spans of time in milliseconds. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** What the timer of a request lasts: while there is one, an answer is on its way. */
const ANSWER_MS = 30_000;
/** So many turns of the real event loop without anything under way: signatures are made outside of the fake world. */
const QUIET_TURNS = 8;

/** Calls of Web Crypto that are under way: neither the fake clock nor the authority knows of them. */
let signing = 0;
const calls = SubtleCrypto.prototype as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
for (const name of ["sign", "verify", "digest", "generateKey", "exportKey", "importKey"]) {
  const real = calls[name]!;
  calls[name] = function (this: SubtleCrypto, ...args: unknown[]) {
    signing++;
    return real.apply(this, args).finally(() => signing--);
  };
}

/** The world of an issuer. */
export class IssuerWorld {
  readonly platform: FakePlatform;
  readonly authority: FakeAuthority;
  readonly issued = new LatestIssued();
  readonly results = { success: 0, failure: 0 };
  issuer: Issuer | undefined = undefined;
  /** Requests that never get an answer are no reason to wait. */
  isHanging = false;
  readonly #requests = new Set<unknown>();

  constructor() {
    this.platform = new FakePlatform();
    this.authority = new FakeAuthority(
      () => this.platform.wallClock(),
      () => this.issued.state,
    );
    this.platform.fetch = this.authority.fetch;
  }

  /** The files in the folder of the authority, by name. */
  file(name: string): string | undefined {
    const bytes = this.platform.files.bytes.get(`/state/ca.test-dir/${name}`);
    return bytes && new TextDecoder().decode(bytes);
  }

  plan(more: Partial<AcmePlan> = {}): AcmePlan {
    const { directory } = this.authority;
    const none = { contact: [], externalAccount: undefined, ca: undefined };
    return { domains: ["a.test"], directory, storage: "/state", ...none, ...more };
  }

  /** A process begins: what was before is gone, the disk is not. */
  begin(more: Partial<AcmePlan> = {}): Issuer {
    this.issuer?.close();
    this.platform.files.locked.clear();
    this.issued.put(new LatestIssued().state);
    this.issuer = new Issuer(this.plan(more), {
      platform: this.#watched(),
      files: this.platform.files,
      agent: "sluice/test",
      publish: (state) => this.issued.put(state),
      ended: (result) => this.results[result]++,
    });
    this.issuer.start();
    return this.issuer;
  }

  /** Lets time pass: at each moment all that is under way comes to its end first. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.platform;
    const end = clock.time + ms;
    for (;;) {
      await this.#quiet();
      const next = clock.nextAt;
      if (next === undefined || next > end) break;
      clock.advance(next - clock.time);
    }
    clock.advance(end - clock.time);
    await this.#quiet();
  }

  /** Lets time pass until this holds; gives the moment of the platform's clock. */
  async passUntil(holds: () => boolean, mostMs: number): Promise<number> {
    const { clock } = this.platform;
    const end = clock.time + mostMs;
    for (await this.#quiet(); !holds(); await this.#quiet()) {
      const next = clock.nextAt;
      if (next === undefined || next > end) throw new Error(`it did not come to hold in ${mostMs} ms`);
      clock.advance(next - clock.time);
    }
    return this.platform.wallClock();
  }

  /** Notices since the last call. */
  told(): string[] {
    return this.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);
  }

  async #quiet(): Promise<void> {
    const late = performance.now() + PATIENCE_MS;
    for (let turns = 0; turns < QUIET_TURNS;) {
      const underWay = signing + (this.isHanging ? 0 : this.authority.busy + this.#requests.size);
      turns = underWay === 0 && this.platform.clock.timers > 0 ? turns + 1 : 0;
      if (performance.now() > late) throw new Error("the issuer does not come to rest");
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The platform, with a look at the timers of requests. */
  #watched(): Platform {
    const platform = this.platform;
    return Object.assign(Object.create(platform) as Platform, {
      certificate,
      fetch: (...args: Parameters<Platform["fetch"]>) => platform.fetch(...args),
      setTimer: (callback: () => void, ms: number) => {
        const timer = platform.setTimer(() => {
          this.#requests.delete(timer);
          callback();
        }, ms);
        if (ms === ANSWER_MS) this.#requests.add(timer);
        return timer;
      },
      clearTimer: (timer: unknown) => {
        this.#requests.delete(timer);
        platform.clearTimer(timer);
      },
    });
  }
}

/** An external account. */
export function external(kid: string, key: string): AcmePlan["externalAccount"] {
  return { kid, hmacKey: new Secret(key, "HMAC") };
}
