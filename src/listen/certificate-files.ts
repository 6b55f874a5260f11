// The files of a listener's certificates, and of those that are revoked: read again when they change, and taken when they belong together.
import type { CertificatePlan, ListenTlsPlan } from "../config/listen/plan.ts";
import { Secret } from "../config/secrets.ts";
import { messageOf } from "../errors.ts";
import type { Platform, Timer } from "../platform.ts";

/** Certificate and key are written one after the other: they are read when both have had time to come. */
const BOTH_MS = 1000;

/** Watches the files until it is closed. */
export class CertificateFiles {
  readonly #tls: ListenTlsPlan;
  readonly #platform: Platform;
  readonly #changed: (tls: ListenTlsPlan) => void;
  readonly #unwatch: readonly (() => void)[];
  #soon: Timer | undefined = undefined;
  #closed = false;

  /** @param changed told of other certificates; throws when they cannot be taken */
  constructor(tls: ListenTlsPlan, platform: Platform, changed: (tls: ListenTlsPlan) => void) {
    this.#tls = tls;
    this.#platform = platform;
    this.#changed = changed;
    const paths = tls.certificates.flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
    const watched = new Set([...paths, tls.clients?.crlFile].filter((path) => path !== undefined));
    const { files } = platform;
    this.#unwatch = files === undefined ? [] : [...watched].map((path) => files.watch(path, () => this.#touched()));
  }

  close(): void {
    this.#closed = true;
    for (const unwatch of this.#unwatch) unwatch();
    if (this.#soon !== undefined) this.#platform.clearTimer(this.#soon);
  }

  #touched(): void {
    this.#soon ??= this.#platform.setTimer(() => {
      this.#soon = undefined;
      void this.#read();
    }, BOTH_MS);
  }

  async #read(): Promise<void> {
    const { certificates, clients } = this.#tls;
    try {
      const next = await Promise.all(certificates.map((certificate) => this.#fresh(certificate)));
      const nextClients = await this.#freshClients(clients);
      const shownAsBefore = next.every((certificate, i) => certificate === certificates[i]);
      if (this.#closed || (shownAsBefore && nextClients === clients)) return;
      this.#changed({ ...this.#tls, certificates: next, clients: nextClients });
      if (!shownAsBefore) {
        this.#platform.notice("info", "listen.tls: certificates that have changed are shown from now on");
      }
      if (nextClients !== clients) {
        this.#platform.notice("info", "listen.tls: clientCrl has changed and holds from now on");
      }
    } catch (error) {
      if (this.#closed) return;
      const why = messageOf(error);
      this.#platform.notice(
        "error",
        `listen.tls: certificates have changed and cannot be taken, the old ones go on: ${why}`,
      );
    }
  }

  /** Likewise, with the list of what is revoked. */
  async #freshClients(before: ListenTlsPlan["clients"]): Promise<ListenTlsPlan["clients"]> {
    if (before?.crlFile === undefined) return before;
    const crl = await this.#platform.files!.read(before.crlFile);
    return crl === before.crl ? before : { ...before, crl };
  }

  /** The same object when nothing has changed. */
  async #fresh(before: CertificatePlan): Promise<CertificatePlan> {
    const { certFile, keyFile } = before;
    const { files, certificate } = this.#platform;
    const read = (path: string | undefined, text: string): Promise<string> | string =>
      path === undefined ? text : files!.read(path);
    const [cert, key] = await Promise.all([read(certFile, before.cert), read(keyFile, before.key.reveal())]);
    if (cert === before.cert && key === before.key.reveal()) return before;
    const facts = certificate?.(cert);
    if (certificate !== undefined && facts?.owns(key) !== true) {
      throw new Error(`${keyFile ?? "the key"} is not the private key of ${certFile ?? "its certificate"}`);
    }
    return { ...before, cert, key: new Secret(key, before.key.source), facts };
  }
}
