// What a socket could not take at once, kept in order until it can.

/** Sends bytes over one Bun socket. */
export class Outbox {
  readonly #socket: Bun.Socket<unknown>;
  #waiting: Buffer[] = [];
  #then: (() => void) | undefined;

  constructor(socket: Bun.Socket<unknown>) {
    this.#socket = socket;
  }

  /** True while bytes wait for the kernel. */
  get busy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends latin1 text or bytes; `then` is called once the kernel has taken all of it. */
  send(data: string | Buffer, then?: () => void): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.#then = then;
    if (this.#waiting.length > 0) this.#waiting.push(bytes);
    else {
      const sent = Math.max(this.#socket.write(bytes), 0);
      if (sent < bytes.length) this.#waiting.push(bytes.subarray(sent));
      else this.#done();
    }
  }

  /** The socket has room again. */
  drain(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const sent = Math.max(this.#socket.write(first), 0);
      if (sent < first.length) {
        this.#waiting[0] = first.subarray(sent);
        return;
      }
      this.#waiting.shift();
    }
    this.#done();
  }

  #done(): void {
    const then = this.#then;
    this.#then = undefined;
    then?.();
  }
}
