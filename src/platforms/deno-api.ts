// The part of Deno's own API that deno.ts uses, typed here because the repository is checked without Deno's types.

/** A connection. Reads and writes are promises; all of them reject once it is closed. */
export interface DenoConn {
  /** A Unix socket has no address. */
  readonly remoteAddr: { readonly hostname?: string };
  /** Number of bytes read into the buffer; null when the peer has sent FIN. */
  read(into: Uint8Array): Promise<number | null>;
  /** Number of bytes the kernel took. */
  write(bytes: Uint8Array): Promise<number>;
  /** Sends FIN. */
  closeWrite(): Promise<void>;
  close(): void;
  /** TCP has it. */
  setNoDelay?(on: boolean): void;
}

/** A listening socket. */
export interface DenoListener {
  readonly addr: { readonly hostname?: string; readonly port?: number };
  accept(): Promise<DenoConn>;
  close(): void;
}

/** Standard output or error. */
export interface DenoOutput {
  /** Number of bytes written. */
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/** The namespace `Deno`. */
export interface DenoNamespace {
  readonly stdout: DenoOutput;
  listen(options: { hostname: string; port: number } | { transport: "unix"; path: string }): DenoListener;
  /** What a fetch goes over, for its option `client`. */
  createHttpClient(options: {
    http1: boolean;
    http2: boolean;
    /** Lets a request set Host. */
    allowHost: boolean;
    caCerts?: string[];
    cert?: string;
    key?: string;
  }): object;
}

/** Deno's namespace. */
export function denoNamespace(): DenoNamespace {
  return (globalThis as unknown as { Deno: DenoNamespace }).Deno;
}
