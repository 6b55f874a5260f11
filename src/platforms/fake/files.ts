// Files of the fake world: texts by path, changed by the test.
import type { Files } from "../../platform.ts";

/** Texts by path. */
export class FakeFiles implements Files {
  readonly #texts = new Map<string, string>();
  /** Files that hold no text. */
  readonly bytes = new Map<string, Uint8Array>();
  readonly #watchers = new Map<string, Set<() => void>>();

  /** Writes a file; undefined removes it. Those who watch it are told. */
  write(path: string, text: string | undefined): void {
    if (text === undefined) this.#texts.delete(path);
    else this.#texts.set(path, text);
    for (const changed of this.#watchers.get(path) ?? []) changed();
  }

  /** How many watch it. */
  watchers(path: string): number {
    return this.#watchers.get(path)?.size ?? 0;
  }

  read(path: string): Promise<string> {
    const bytes = this.bytes.get(path);
    const text = this.#texts.get(path) ?? (bytes && new TextDecoder().decode(bytes));
    return text === undefined ? Promise.reject(new Error(`no such file: ${path}`)) : Promise.resolve(text);
  }

  load(path: string): Uint8Array | undefined {
    return this.bytes.get(path);
  }

  replace(path: string, bytes: Uint8Array): Promise<void> {
    this.bytes.set(path, bytes);
    return Promise.resolve();
  }

  /** Locks that somebody has. */
  readonly locked = new Set<string>();

  folder(): Promise<void> {
    return Promise.resolve();
  }

  lock(path: string): (() => void) | undefined {
    if (this.locked.has(path)) return undefined;
    this.locked.add(path);
    return () => this.locked.delete(path);
  }

  watch(path: string, changed: () => void): () => void {
    const watchers = this.#watchers.get(path) ?? new Set();
    this.#watchers.set(path, watchers.add(changed));
    return () => watchers.delete(changed);
  }
}
