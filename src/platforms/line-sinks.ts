// Where lines go that do not go to standard output: each place opened once, whoever writes there.
import type { LinesOut, LinesTo } from "../platform.ts";
import { AwaitedLines, type LineOutput } from "./awaited-lines.ts";
import { udpOutput, unixOutput } from "./datagram-output.ts";
import { FileOutput } from "./file-output.ts";
import { StreamOutput } from "./stream-output.ts";

/** A place that is open for one of those who write there. */
export interface LineSink extends LinesOut {
  /** See AwaitedLines. */
  writeBatch: AwaitedLines["writeBatch"];
}

interface Place {
  readonly lines: AwaitedLines;
  readonly output: LineOutput;
  /** Those who write there. The eldest of them counts what is lost: each line is counted once. */
  readonly users: Set<object>;
  /** Lines lost that those before it have counted. */
  counted: number;
}

/** All of them. */
export class LineSinks {
  readonly #places = new Map<string, Place>();
  /** Those that still write what waits. */
  readonly #closing = new Set<AwaitedLines>();
  readonly #notice: (text: string) => void;

  constructor(notice: (text: string) => void) {
    this.#notice = notice;
  }

  /** Opens a place. What is said of a file last is what holds. */
  readonly open = (to: LinesTo): LineSink => {
    const { name } = to;
    let place = this.#places.get(name);
    if (place === undefined) {
      const output = outputTo(to, this.#notice);
      place = { output, lines: new AwaitedLines(output, name, this.#notice), users: new Set(), counted: 0 };
      this.#places.set(name, place);
    } else if (place.output instanceof FileOutput && to.kind === "file") place.output.rotate = to.rotate;
    return this.#sinkOf(name, place);
  };

  /** Files are opened anew: somebody has moved them away. */
  reopen(): void {
    for (const { lines } of this.#places.values()) lines.reopen();
  }

  /** Resolves once all that waits is written, as far as it is taken. */
  async flush(): Promise<void> {
    const open = [...this.#places.values()].map(({ lines }) => lines);
    await Promise.all([...open, ...this.#closing].map((lines) => lines.flush()));
  }

  #sinkOf(name: string, place: Place): LineSink {
    const { lines, users } = place;
    const user = {};
    let isOpen = true;
    /** Once another has gone on from there. */
    let lost: number | undefined;
    users.add(user);
    const counted = (): number => lost ?? (eldest(users) === user ? lines.dropped - place.counted : 0);
    return {
      write: (line) => lines.write(line),
      writeBatch: (batch, done) => lines.writeBatch(batch, done),
      get lost() {
        return counted();
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        if (users.size > 1) {
          lost = counted();
          place.counted += lost;
          users.delete(user);
          return;
        }
        this.#places.delete(name);
        this.#closing.add(lines);
        void lines.close().then(() => this.#closing.delete(lines));
      },
    };
  }
}

function eldest(users: ReadonlySet<object>): object | undefined {
  const [first] = users;
  return first;
}

function outputTo(to: LinesTo, notice: (text: string) => void): LineOutput {
  switch (to.kind) {
    case "file":
      return new FileOutput(to, notice);
    case "udp":
      return udpOutput(to, notice);
    case "unix-datagram":
      return unixOutput(to.path, notice);
    case "tcp":
    case "unix-stream":
      return new StreamOutput(to, notice);
  }
}
