// The issuer: has a certificate for each host name, and renews it in time, whatever the authority does.
import type { AcmePlan } from "../config/listen/plan.ts";
import { messageOf } from "../errors.ts";
import { chances } from "../http/chance.ts";
import type { IssuedState } from "../issued.ts";
import type { Files, Platform, Timer } from "../platform.ts";
import { forgetAccount, openAccount } from "./account.ts";
import { AcmeClient } from "./client.ts";
import { AcmeFailure, shown } from "./failure.ts";
import { obtain } from "./order.ts";
import { lookAt } from "./renewal-info.ts";
import { dueAt, type Held, held, renewalAt, Site } from "./site.ts";
import { AcmeStorage, type DomainRecord, type Failures, type Records } from "./storage.ts";
import { nextLookMs, pauseAfter } from "./times.ts";

/** No timer lasts longer: clocks are set, and machines sleep. */
const LONGEST_SLEEP_MS = 60 * 60_000;
const SHORTEST_SLEEP_MS = 1000;
/** While another process has the folder, it is looked for so often. */
const BUSY_MS = 20_000;

/** What {@link Issuer} needs of its surroundings. */
export interface IssuerOptions {
  readonly platform: Platform;
  readonly files: Files;
  /** The User-Agent of requests to the authority. */
  readonly agent: string;
  /** Told of each change; resolves once all that listen know it. */
  publish(state: IssuedState): Promise<void> | void;
  /** Called when an order for a certificate has ended. */
  ended(result: "success" | "failure"): void;
}

/** Certificates of one authority. Nothing is asked before it is started. */
export class Issuer {
  readonly #plan: AcmePlan;
  readonly #options: IssuerOptions;
  readonly #platform: Platform;
  readonly #storage: AcmeStorage;
  readonly #chance: () => number;
  readonly #closing = new AbortController();
  readonly #answers = new Map<string, string>();
  #sites: readonly Site[] = [];
  #records: Records;
  #timer: Timer | undefined = undefined;
  #isStarted = false;
  #isAtWork = false;
  /** Where it cannot write, nothing is asked for: no restart would know of it. */
  #cannotWrite: Failures | undefined = undefined;

  /** Reads what is on the disk; nothing is asked of the authority before `start`. */
  constructor(plan: AcmePlan, options: IssuerOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#platform = options.platform;
    this.#chance = chances(options.platform.random(1)[0]!);
    this.#storage = new AcmeStorage(plan, options.files);
    this.#records = this.#storage.records();
    this.serve(plan.domains);
  }

  /** From now on these host names, and no others. */
  serve(domains: readonly string[]): void {
    const before = new Map(this.#sites.map((site) => [site.domain, site]));
    this.#sites = domains.map((domain) => before.get(domain) ?? this.#siteOf(domain));
    void this.#publish();
    this.#sleep();
  }

  /** From now on the authority is asked: it can reach the gateway. */
  start(): void {
    this.#isStarted = true;
    for (const site of this.#sites) this.#tellPause(site);
    this.#sleep();
  }

  /** Ends what is under way. What the authority has been asked for is known to the next process. */
  close(): void {
    this.#closing.abort();
    if (this.#timer !== undefined) this.#platform.clearTimer(this.#timer);
  }

  /** When each host name is seen to next, in milliseconds since the epoch. */
  get next(): readonly (readonly [domain: string, at: number])[] {
    const now = this.#platform.wallClock();
    return this.#sites.map((site) => [site.domain, Math.max(now, this.#dueAt(site))]);
  }

  /** What has failed before this process is heeded: whoever started it is told. */
  #tellPause(site: Site): void {
    const failures = [this.#records.authority, this.#recordOf(site).failures].filter((each) => each !== undefined);
    const [last] = failures.sort((a, b) => b.next - a.next);
    const now = this.#platform.wallClock();
    if (last === undefined || this.#dueAt(site) <= now || renewalAt(site, this.#recordOf(site)) > now) return;
    const what = site.held === undefined ? "no certificate yet" : "not renewed yet";
    const count = last.count === 1 ? "a failure" : `${last.count} failures`;
    const when = `tried again at ${dateOf(last.next)}, after ${count} before this start`;
    this.#tell("warn", site.domain, `${what}, ${when}: ${shown(last.problem)}`);
  }

  #siteOf(domain: string): Site {
    const site = new Site(domain, this.#chance());
    this.#readCertificate(site);
    return site;
  }

  #readCertificate(site: Site): void {
    let found: Held | string | undefined;
    try {
      const kept = this.#storage.certificate(site.domain);
      found = kept && held(site.domain, kept, this.#platform);
    } catch (thrown) {
      found = messageOf(thrown);
    }
    if (typeof found === "string") {
      this.#tell("error", site.domain, `what is in ${this.#storage.folder} cannot be used: ${found}`);
    } else if (found !== undefined && !(site.held !== undefined && site.held.notAfter > found.notAfter)) {
      site.held = found;
    }
  }

  #recordOf({ domain }: Site): DomainRecord {
    return this.#records.domains[domain] ?? {};
  }

  #dueAt(site: Site): number {
    const record = this.#recordOf(site);
    const failed = [this.#records.authority, record.failures, this.#cannotWrite];
    return dueAt(site, record, failed, this.#platform.wallClock());
  }

  #sleep(): void {
    if (!this.#isStarted || this.#isAtWork || this.#closing.signal.aborted) return;
    if (this.#timer !== undefined) this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    if (this.#sites.length === 0) return;
    const ms = Math.min(...this.#sites.map((site) => this.#dueAt(site))) - this.#platform.wallClock();
    const sleepMs = Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, ms));
    this.#timer = this.#platform.setTimer(() => void this.#turn(), sleepMs);
  }

  async #turn(): Promise<void> {
    this.#isAtWork = true;
    const client = new AcmeClient(this.#plan, this.#platform, this.#options.agent, this.#closing.signal);
    for (const site of this.#sites) {
      if (this.#closing.signal.aborted) return;
      if (this.#dueAt(site) > this.#platform.wallClock() || !this.#sites.includes(site)) continue;
      await this.#attend(site, client);
    }
    this.#isAtWork = false;
    this.#sleep();
  }

  /** Does what is due for a host name, unless another process does it. Never rejects. */
  async #attend(site: Site, client: AcmeClient): Promise<void> {
    let release: (() => void) | undefined;
    try {
      release = await this.#storage.take();
      if (release === undefined) {
        site.busyUntil = this.#platform.wallClock() + BUSY_MS;
        return;
      }
      // Another process may have been here since.
      const before = site.held?.cert;
      this.#records = this.#storage.records();
      this.#readCertificate(site);
      if (site.held?.cert !== before) await this.#publish();
      if (site.unsaved !== undefined) await this.#saveCertificate(site);
      const now = this.#platform.wallClock();
      if (this.#dueAt(site) > now) return;
      if (renewalAt(site, this.#recordOf(site)) > now) await this.#look(site, client);
      if (renewalAt(site, this.#recordOf(site)) <= now) await this.#obtain(site, client);
      this.#cannotWrite = undefined;
    } catch (thrown) {
      this.#failedToWrite(thrown);
    } finally {
      release?.();
    }
  }

  /** Asks the authority when it wants the certificate to be renewed. Where it does not say, the lifetime does. */
  async #look(site: Site, client: AcmeClient): Promise<void> {
    const id = site.held!.id;
    if (id === undefined) return;
    const { look } = this.#recordOf(site);
    const before = look?.id === id ? look : undefined;
    const now = this.#platform.wallClock();
    try {
      const looked = await lookAt(id, before, client, now, this.#chance());
      await this.#keep(site, { look: looked });
      if (looked.why !== undefined && looked.why !== before?.why) {
        const when = dateOf(renewalAt(site, this.#recordOf(site)));
        this.#tell("info", site.domain, `the authority wants it renewed about ${when}: ${looked.why}`);
      }
    } catch (thrown) {
      if (!(thrown instanceof AcmeFailure) || this.#closing.signal.aborted) throw thrown;
      this.#tell("warn", site.domain, `the authority does not say when to renew: ${thrown.message}`);
      await this.#keep(site, { look: { ...before, id, next: now + nextLookMs(thrown.askedMs) } });
    }
  }

  async #obtain(site: Site, client: AcmeClient): Promise<void> {
    const { domain } = site;
    const records = this.#records;
    const count = (records.domains[domain]?.failures?.count ?? 0) + 1;
    // Before the authority is asked: a process that dies of it over and over again must not ask each time.
    await this.#keep(site, { failures: this.#failures(count, 0, "the last attempt did not come to its end") });
    try {
      const { subtle } = this.#platform;
      await client.directory();
      const account = await openAccount(client, this.#plan, this.#storage, subtle);
      const obtained = await obtain(domain, site.held?.id, {
        client,
        account,
        platform: this.#platform,
        closing: this.#closing.signal,
        answer: (token, text) => this.#answer(token, text),
      });
      const fresh = held(domain, obtained, this.#platform);
      const now = this.#platform.wallClock();
      const wrong =
        typeof fresh === "string" ? fresh : fresh.notAfter <= now ? "it has expired by this clock" : undefined;
      if (typeof fresh === "string" || wrong !== undefined) {
        throw new AcmeFailure(`what was issued cannot be used: ${wrong}`, { of: "domain" });
      }
      const wasThere = site.held !== undefined;
      site.held = fresh;
      site.unsaved = { ...obtained, at: now };
      await this.#publish();
      this.#options.ended("success");
      const { host } = new URL(this.#plan.directory);
      const what = `certificate ${wasThere ? "renewed" : "obtained"} from ${host}, good until ${dateOf(fresh.notAfter)}`;
      await this.#saveCertificate(site);
      this.#tell("info", domain, `${what}; to be renewed about ${dateOf(renewalAt(site, this.#recordOf(site)))}`);
    } catch (thrown) {
      if (this.#closing.signal.aborted) return;
      if (!(thrown instanceof AcmeFailure)) throw thrown;
      this.#options.ended("failure");
      await this.#failed(site, thrown, records, count);
    }
  }

  async #saveCertificate(site: Site): Promise<void> {
    const { domain, unsaved } = site;
    await this.#storage.saveCertificate(domain, unsaved!);
    await this.#save({ domains: { ...this.#records.domains, [domain]: { obtained: unsaved!.at } } });
    site.unsaved = undefined;
  }

  async #failed(
    site: Site,
    { message, of, type, askedMs }: AcmeFailure,
    before: Records,
    count: number,
  ): Promise<void> {
    const { domain } = site;
    if (type === "accountDoesNotExist") await forgetAccount(this.#storage);
    let failures: Failures;
    if (of === "domain") {
      failures = this.#failures(count, askedMs, message);
      await this.#keep(site, { failures });
    } else {
      // Nothing has been said of the host name.
      failures = this.#failures((before.authority?.count ?? 0) + 1, askedMs, message);
      const record = { ...this.#records.domains[domain], failures: before.domains[domain]?.failures };
      await this.#save({ authority: failures, domains: { ...this.#records.domains, [domain]: record } });
    }
    const now = this.#platform.wallClock();
    const { held } = site;
    const goesOn = held !== undefined && held.notAfter > now;
    const state = goesOn
      ? `not renewed: ${message}; the one it has is good until ${dateOf(held.notAfter)}`
      : `no certificate: ${message}`;
    const after = failures.count === 1 ? "" : ` after ${failures.count} failures`;
    this.#tell(goesOn ? "warn" : "error", domain, `${state}; tried again at ${dateOf(failures.next)}${after}`);
  }

  #failedToWrite(thrown: unknown): void {
    if (this.#closing.signal.aborted) return;
    const why = messageOf(thrown);
    const failures = this.#failures((this.#cannotWrite?.count ?? 0) + 1, 0, why);
    this.#cannotWrite = failures;
    const what = `listen.tls.acme: ${this.#storage.folder} cannot be written: ${why}; nothing is asked of the authority`;
    this.#platform.notice("error", `${what}, tried again at ${dateOf(failures.next)}`);
  }

  #failures(count: number, askedMs: number, problem: string): Failures {
    return { count, next: this.#platform.wallClock() + pauseAfter(count, askedMs, this.#chance()), problem };
  }

  #keep({ domain }: Site, more: DomainRecord): Promise<void> {
    const { domains, authority } = this.#records;
    return this.#save({ authority, domains: { ...domains, [domain]: { ...domains[domain], ...more } } });
  }

  async #save(records: Records): Promise<void> {
    this.#records = records;
    await this.#storage.saveRecords(records);
  }

  async #answer(token: string, text: string): Promise<() => Promise<void>> {
    const tell = async (): Promise<void> => {
      await this.#storage.saveAnswers(this.#answers);
      await this.#publish();
    };
    this.#answers.set(token, text);
    await tell();
    return () => {
      this.#answers.delete(token);
      return tell();
    };
  }

  #publish(): Promise<void> | void {
    if (this.#closing.signal.aborted) return;
    const certificates = this.#sites.flatMap(({ held }) => held ?? []);
    const awaited = this.#sites.flatMap(({ domain, held }) => (held === undefined ? [domain] : []));
    const { answersFile } = this.#storage;
    return this.#options.publish({ certificates, awaited, answers: new Map(this.#answers), answersFile });
  }

  #tell(level: "info" | "warn" | "error", domain: string, text: string): void {
    this.#platform.notice(level, `listen.tls.acme: ${domain}: ${text}`);
  }
}

function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
