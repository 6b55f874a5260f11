// What is kept on the disk of one authority: the account, certificates with their keys, and what was tried and failed.
import type { AcmePlan } from "../config/listen/plan.ts";
import { answersText } from "../issued.ts";
import type { Files } from "../platform.ts";
import type { AccountPlace, KeptAccount } from "./account.ts";
import type { Obtained } from "./order.ts";
import type { RenewalWindow } from "./times.ts";

/** What has failed, and when it is tried again. Moments are milliseconds since the epoch. */
export interface Failures {
  /** How often it failed in a row. */
  readonly count: number;
  readonly next: number;
  /** Why it failed last. */
  readonly problem: string;
}

/** When an authority wants a certificate to be renewed. */
export interface Look extends Partial<RenewalWindow> {
  /** Which certificate: see certificateId. */
  readonly id: string;
  /** The moment in the window; undefined where the authority names none. */
  readonly at?: number | undefined;
  /** A page on which the authority says why. */
  readonly why?: string | undefined;
  /** When the authority is asked again. */
  readonly next: number;
}

/** What is known of a host name beside its certificate. */
export interface DomainRecord {
  /** When the certificate was issued. */
  readonly obtained?: number | undefined;
  readonly failures?: Failures | undefined;
  readonly look?: Look | undefined;
}

/** All that is known beside certificates and account. */
export interface Records {
  /** Of what concerns all host names. */
  readonly authority?: Failures | undefined;
  readonly domains: Readonly<Record<string, DomainRecord>>;
}

const KEY_BEGINS = "-----BEGIN PRIVATE KEY-----";

/**
 * A folder for each directory, in the folder of the plan: `account.json`, `records.json`, `answers.json`, and `<domain>.pem` with a
 * certificate, those that lead to its authority, and its key. Only their owner may read them, and each is replaced whole.
 */
export class AcmeStorage implements AccountPlace {
  /** The folder of this authority, below the plan's `storage`. */
  readonly folder: string;
  readonly #files: Files;

  constructor({ storage, directory }: Pick<AcmePlan, "storage" | "directory">, files: Files) {
    const { host, pathname } = new URL(directory);
    this.folder = `${storage}/${`${host}${pathname}`.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/-$/, "")}`;
    this.#files = files;
  }

  /**
   * Takes the folder for itself, made where it is not there: of several processes one asks the authority at a time.
   * Returns a function that releases it; undefined while another process has it. Rejects when nothing can be written
   * there.
   */
  async take(): Promise<(() => void) | undefined> {
    await this.#files.folder(this.folder);
    return this.#files.lock(`${this.folder}/lock`);
  }

  load(): KeptAccount | undefined {
    const found = this.#object("account.json");
    return found === undefined || typeof found["key"] !== "object" ? undefined : (found as unknown as KeptAccount);
  }

  save(account: KeptAccount): Promise<void> {
    return this.#write("account.json", `${JSON.stringify(account, null, 2)}\n`);
  }

  /** The certificate of a host name, and its key; undefined where there is none. @throws Error for what is none */
  certificate(domain: string): Obtained | undefined {
    const text = this.#text(`${domain}.pem`);
    if (text === undefined) return undefined;
    const at = text.indexOf(KEY_BEGINS);
    if (at < 0) throw new Error("it holds no private key");
    return { cert: text.slice(0, at), key: text.slice(at) };
  }

  saveCertificate(domain: string, { cert, key }: Obtained): Promise<void> {
    return this.#write(`${domain}.pem`, `${cert.trimEnd()}\n${key}`);
  }

  /** Where the answers of whoever asks the authority stand, for the others who share the folder. */
  get answersFile(): string {
    return `${this.folder}/answers.json`;
  }

  saveAnswers(answers: ReadonlyMap<string, string>): Promise<void> {
    return this.#write("answers.json", answersText(answers));
  }

  /** What cannot be read is as if nothing had ever failed. */
  records(): Records {
    const found = this.#object("records.json") ?? {};
    const domains = Object.entries(Object(found["domains"]) as Record<string, unknown>).map(
      ([name, written]): [string, DomainRecord] => {
        const { obtained, failures, look } = Object(written) as Record<string, unknown>;
        const moment = isMoment(obtained) ? obtained : undefined;
        return [name, { obtained: moment, failures: failuresOf(failures), look: lookOf(look) }];
      },
    );
    return { authority: failuresOf(found["authority"]), domains: Object.fromEntries(domains) };
  }

  saveRecords(records: Records): Promise<void> {
    return this.#write("records.json", `${JSON.stringify(records, null, 2)}\n`);
  }

  #text(name: string): string | undefined {
    const bytes = this.#files.load(`${this.folder}/${name}`);
    return bytes && new TextDecoder().decode(bytes);
  }

  #object(name: string): Record<string, unknown> | undefined {
    try {
      return Object(JSON.parse(this.#text(name) ?? "{}")) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }

  #write(name: string, text: string): Promise<void> {
    return this.#files.replace(`${this.folder}/${name}`, new TextEncoder().encode(text));
  }
}

function isMoment(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function failuresOf(written: unknown): Failures | undefined {
  const { count, next, problem } = Object(written) as Record<string, unknown>;
  if (!isMoment(count) || !isMoment(next) || count < 1) return undefined;
  return { count, next, problem: typeof problem === "string" ? problem : "" };
}

function lookOf(written: unknown): Look | undefined {
  const { id, start, end, at, why, next } = Object(written) as Record<string, unknown>;
  if (typeof id !== "string" || !isMoment(next)) return undefined;
  if (!isMoment(start) || !isMoment(end) || !isMoment(at)) return { id, next };
  return { id, start, end, at, why: typeof why === "string" ? why : undefined, next };
}
