// A thread that runs one test file: loads it, runs what it has gathered, and tells of each test.
import { setSystemTime } from "bun:test";
import { readerFor } from "../config-reader.ts";
import type { Embedded } from "../embedded.ts";
import { loadFile, type LoadedFile } from "../load-config.ts";
import { configFindings, findingText, loadFinding } from "../plan-config.ts";
import { readSources, type Sources } from "../sources.ts";
import { openTerminal } from "../terminal.ts";
import * as api from "./api.ts";
import { type Collected, collectedTests } from "./collect.ts";
import { failureOf } from "./failure.ts";
import type { FromTestThread, TestResult, TestTask } from "./messages.ts";
import { begin, type Opened } from "./running.ts";

/** What `Date` says when a test begins. */
const FIRST_MOMENT = Date.UTC(2026, 0, 1);

/** The global of a worker, as far as it is used. */
interface Scope {
  postMessage(message: FromTestThread): void;
  addEventListener(kind: "message", listener: (event: { readonly data: unknown }) => void): void;
}

const scope = globalThis as unknown as Scope;
const tell = (message: FromTestThread): void => scope.postMessage(message);

/** Runs the test file that the main thread names. */
export function testInThread(embedded: Embedded): void {
  // What tests print is no result: stdout may be for a machine.
  console.log = console.info = console.debug = console.error;
  scope.addEventListener("message", ({ data }) => {
    void new TestFile(data as TestTask, embedded).run().finally(() => tell({ kind: "done" }));
  });
  tell({ kind: "ready" });
}

class TestFile {
  readonly #task: TestTask;
  readonly #embedded: Embedded;
  readonly #sources: Sources;
  #loaded: LoadedFile | undefined;
  readonly #gateways: Opened[] = [];
  /** Where an error goes that nobody catches. */
  #strayed: ((thrown: unknown) => void) | undefined = undefined;

  constructor(task: TestTask, embedded: Embedded) {
    this.#task = task;
    this.#embedded = embedded;
    this.#sources = readSources(task.file, task.given);
    const onStray = (thrown: unknown): void => this.#stray(thrown);
    process.on("uncaughtException", onStray);
    process.on("unhandledRejection", onStray);
    begin({
      reader: readerFor(task.file),
      explain: (config, faults) => this.#explain(config, faults),
      opened: (gateway) => this.#gateways.push(gateway),
      showDate: (ms) => void setSystemTime(new Date(ms)),
    });
  }

  async run(): Promise<void> {
    const { file, filter } = this.#task;
    const modules = { ...this.#embedded.modules, "sluice/test": () => Promise.resolve(api) };
    setSystemTime(new Date(FIRST_MOMENT));
    const loaded = await loadFile(this.#sources, modules, (thrown) => this.#stray(thrown));
    if ("faults" in loaded) {
      return tell({
        kind: "faults",
        faults: loaded.faults.map(loadFinding).map(({ place, message }) => ({ place, message })),
      });
    }
    this.#loaded = loaded;
    const all = collectedTests();
    if (all.length === 0) {
      const message = 'there is no test in it. Write: test("…", async () => { … }).';
      return tell({ kind: "faults", faults: [{ place: { file }, message }] });
    }
    const wanted = filter?.toLowerCase();
    for (const test of all) {
      if (wanted !== undefined && !test.names.join(" ").toLowerCase().includes(wanted)) continue;
      tell({ kind: "ended", result: await this.#runTest(test) });
    }
  }

  async #runTest({ names, body, skipped, limitMs, before, after }: Collected): Promise<TestResult> {
    if (skipped) return { names, state: "skipped", ms: 0 };
    setSystemTime(new Date(FIRST_MOMENT));
    const began = performance.now();
    const open = this.#gateways.length;
    let failure: { readonly thrown: unknown } | undefined;
    const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
      tell({ kind: "began", names, limitMs });
      try {
        await this.#within(limitMs, what, act);
      } catch (thrown) {
        failure ??= { thrown };
      }
    };
    await attempt("", async () => {
      for (const hook of before) await hook();
      await body();
    });
    if (after.length > 0) {
      await attempt("afterEach ", async () => {
        for (const hook of after) await hook();
      });
    }
    for (const gateway of this.#gateways.splice(open)) gateway.close();
    const ms = performance.now() - began;
    if (failure === undefined) return { names, state: "passed", ms };
    return { names, state: "failed", ms, failure: failureOf(failure.thrown, this.#sources) };
  }

  /** Waits for what a test does; not longer than it may take, and not when something failed that nobody waits for. */
  async #within(limitMs: number, what: string, act: () => Promise<void>): Promise<void> {
    const { promise: cut, reject } = Promise.withResolvers<never>();
    this.#strayed = reject;
    const timer = setTimeout(() => reject(new Error(this.#lateText(limitMs, what))), limitMs);
    try {
      await Promise.race([act(), cut]);
    } finally {
      clearTimeout(timer);
      this.#strayed = undefined;
    }
  }

  #lateText(limitMs: number, what: string): string {
    const pending = this.#gateways.flatMap(({ pending }) => [...pending]);
    const late = `${what}did not end within ${limitMs / 1000} s: something that it waits for never comes.`;
    if (pending.length === 0) return late;
    const hint = "It waits for an upstream, or for the clock: move it with g.clock.advance.";
    return `${late}\nWithout an answer: ${pending.join(", ")}. ${hint}`;
  }

  #stray(thrown: unknown): void {
    if (this.#strayed !== undefined) return this.#strayed(thrown);
    const failure = failureOf(thrown, this.#sources);
    tell({ kind: "ended", result: { names: ["what nobody waits for"], state: "failed", ms: 0, failure } });
  }

  /** The faults with their places in the file that exports the config. */
  async #explain(config: object, faults: Parameters<typeof configFindings>[0]): Promise<Error> {
    // Made here, where the stack still has the test's own line.
    const error = new Error("the config is wrong");
    error.name = "ConfigFault";
    const { file, texts } = this.#sources;
    let source: string | undefined;
    let where = file;
    for (const [path, text] of texts) {
      if (path === file || (await this.#loaded?.exportsOf(path))?.["default"] !== config) continue;
      [where, source] = [path, text];
    }
    const findings = await configFindings(faults, where, source);
    const { errColors } = openTerminal("never");
    error.message = `the config is wrong:\n${findings.map((finding) => findingText(finding, errColors)).join("\n")}`;
    return error;
  }
}
