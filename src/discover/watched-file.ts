// Targets in a file beside the config: read again when it changes; a broken file changes nothing.
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import { messageOf } from "../errors.ts";
import type { Files } from "../platform.ts";
import type { Search } from "./discover.ts";
import { readTargetFile, type TargetFileFault } from "./target-file.ts";
import type { Tell } from "./target-notices.ts";

/** The file of one upstream. Its targets are in the plan already. */
export class WatchedFile implements Search {
  readonly first = Promise.resolve();
  readonly #path: string;
  readonly #protocol: UpstreamPlan["protocol"];
  readonly #files: Files;
  readonly #tell: Tell;
  readonly #unwatch: () => void;
  #reads = 0;

  constructor(path: string, protocol: UpstreamPlan["protocol"], files: Files, tell: Tell) {
    this.#path = path;
    this.#protocol = protocol;
    this.#files = files;
    this.#tell = tell;
    this.#unwatch = files.watch(path, () => void this.#read());
    // It may have changed since the plan was made.
    void this.#read();
  }

  close(): void {
    this.#reads++;
    this.#unwatch();
  }

  async #read(): Promise<void> {
    const turn = ++this.#reads;
    let text: string | undefined;
    let reason = "";
    try {
      text = await this.#files.read(this.#path);
    } catch (thrown) {
      reason = messageOf(thrown);
    }
    // A read that took longer than a later one tells of an older file.
    if (turn !== this.#reads) return;
    if (text === undefined) return this.#tell.failed(`${this.#path}: it cannot be read (${reason})`);
    const list = readTargetFile(text, this.#protocol);
    if ("targets" in list) this.#tell.found(list.targets);
    else this.#tell.failed(faultText(this.#path, list.faults[0]!));
  }
}

/** A fault as the operator is told: `/etc/sluice/targets.yaml:3:7: wanted a list of targets`. */
function faultText(path: string, { line, column, wanted, hint }: TargetFileFault): string {
  return `${path}:${line}:${column}: wanted ${wanted}${hint === undefined ? "" : `. ${hint.replace(/\.$/, "")}`}`;
}
