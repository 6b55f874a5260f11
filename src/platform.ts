// What an edge must give to the core. Nothing but platforms/ and cli/ may touch a runtime; all else asks here.

import type { CertificateFacts, ClientCertificateFacts, ShownCertificate } from "./http/certificates.ts";
import type { Names } from "./http/names.ts";
import type { Ids } from "./http/ids.ts";
import type { Shared } from "./shared.ts";
import type { NoticeLevel, Verbosity } from "./verbosity.ts";

/** A timer that has not fired yet. */
export type Timer = unknown;

/** What a socket calls on its owner. Calls never overlap; none comes after `closed`. */
export interface SocketHandler {
  /** Bytes arrived. They stay valid after the call. */
  data(bytes: Uint8Array): void;
  /** All that a `write` had to hold back has gone to the kernel. */
  drained(): void;
  /** TLS is established: once, before any data, and only of sockets that were accepted for TLS. */
  secured?(): void;
  /** The peer sent FIN: it writes no more. It may still read. */
  ended(): void;
  /** The socket is gone. With an error it did not go by agreement (`code` as the system names it: ECONNRESET, …). */
  closed(error?: SocketError): void;
}

/** A connection, TLS or plain. Half-open is allowed: the peer's FIN does not close the way out. */
export interface Socket {
  handler: SocketHandler;
  /** The peer's address without port; an IPv4-mapped IPv6 address is written as IPv4. "" for a Unix socket. */
  readonly remoteAddress: string;
  /** Whether it is a TLS connection. */
  readonly secure: boolean;
  /** What the handshake agreed to speak (ALPN, RFC 7301), "" for nothing; known once it is done. */
  readonly protocol?: string | undefined;
  /** What the client has shown of itself; known once the handshake is done. Undefined: it has shown nothing. */
  readonly clientCertificate?: ShownCertificate | undefined;
  /** Sends bytes. False: the kernel is full and the rest waits in memory; stop until `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Sends latin1 text and, in the same write, the bytes that follow it. Result as for `write`. */
  writeText(text: string, bytes?: Uint8Array): boolean;
  /** Bytes that wait in memory for the kernel. */
  readonly waiting: number;
  /** Bytes that waited when the socket went: the kernel has never had them. 0 while it is open. */
  readonly lost: number;
  /**
   * Looks whether anything has come from the peer that the owner was not told of: bytes, an end, a reset. `isQuiet` is told
   * once: at once where the kernel can be asked (Bun), else behind what the event loop has ready by then. False also when
   * the socket is gone.
   */
  look(told: (isQuiet: boolean) => void): void;
  /** Stops reading: the peer feels it through TCP. */
  pause(): void;
  /** Goes on reading after `pause`. */
  resume(): void;
  /** Sends FIN behind what waits. Reading goes on until the peer has ended too; then the socket closes by itself. */
  end(): void;
  /**
   * Closes in good order without waiting for the peer: what waits goes out, then FIN. Nothing more is read. `closed`
   * follows once all has gone to the kernel, which delivers it also to a peer that reads late.
   */
  close(): void;
  /** Closes at once; what waits is lost and the peer sees a reset. `closed` follows. */
  destroy(): void;
}

/** Why a socket failed. `code` is the system's or the TLS library's name for it. */
export interface SocketError {
  readonly code: string;
  readonly message: string;
}

/** TLS towards a target. Identity comes from here, never from a request (case GW-59). */
export interface ClientTls {
  /** The name sent as SNI and looked for in the certificate. For an IP literal no SNI is sent. */
  readonly serverName: string;
  /** PEM of the authorities trusted instead of the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Whether the certificate is verified; false takes any. */
  readonly verify: boolean;
}

/** Where to connect to, and whether by TLS. */
export interface ConnectOptions {
  /** A name or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: ClientTls | undefined;
  /** Whether HTTP/2 is all that is offered in the handshake (ALPN); nothing is else. See `Socket.protocol`. */
  readonly http2?: boolean;
}

/** What a connect attempt calls on its owner: one of the two, once, never before `connect` has returned. */
export interface ConnectHandler {
  /** Connected, TLS verified. The owner sets `socket.handler` before it returns. */
  connected(socket: Socket): void;
  /** The attempt failed; nothing is open. */
  failed(error: SocketError): void;
}

/** A connect attempt under way. */
export interface Connecting {
  /**
   * Gives up. Neither `connected` nor `failed` is called after this. Returns a promise, which resolves when the system
   * holds nothing of the attempt any more, where that is not at once.
   */
  abort(): Promise<void> | void;
}

/** A certificate that a listener shows. */
export interface ServerCertificate {
  /** PEM: the certificate, and those that lead to its authority. */
  readonly cert: string;
  readonly key: string;
  /** Host names that get it, lower case; "*.example.com" is any name one below. */
  readonly names: readonly string[];
}

/** Whose certificates clients may show. */
export interface ClientAuthorities {
  /** The authorities' certificates in PEM. */
  readonly ca: string;
  /** PEM of their lists of what they have revoked (RFC 5280 section 5), one for each authority; undefined: nobody asks. */
  readonly crl: string | undefined;
  /** Whether the handshake fails without. */
  readonly required: boolean;
}

/** TLS of a listener. */
export interface ServerTls {
  /** The first is also for who names no host, or another one. Where there is none, no handshake succeeds. */
  readonly certificates: readonly ServerCertificate[];
  /** Host names that have none yet: handshakes that ask for them fail. */
  readonly awaited?: readonly string[] | undefined;
  readonly minVersion: "1.2" | "1.3";
  /** Whether HTTP/2 is offered (ALPN), before HTTP/1.1. */
  readonly http2: boolean;
  /** Clients are asked for a certificate of these authorities (PEM); undefined: they are not. */
  readonly clients: ClientAuthorities | undefined;
}

/** Where to accept connections, and whether by TLS. */
export interface ListenOptions {
  /** Path of a Unix socket in place of host and port: from its first moment only this process's user may connect (0600). */
  readonly path?: string | undefined;
  readonly host: string;
  /** The TCP port; 0 lets the system choose. */
  readonly port: number;
  /** How TLS is spoken; undefined for plain TCP. */
  readonly tls?: ServerTls | undefined;
  /** Called for each connection, before its handshake; must set `socket.handler` before it returns. */
  accept(socket: Socket): void;
}

/** An open listening socket. */
export interface ListeningSocket {
  /** 0 of a Unix socket, whose host is "". */
  readonly port: number;
  readonly host: string;
  /** Accepts no more. Connections that are open stay open; the file of a Unix socket goes. */
  stop(): void;
  /**
   * Makes other TLS ready; what it gives lets it hold for handshakes that begin from then on. Whether clients are asked
   * for certificates cannot change. Absent where the runtime cannot do it. @throws Error for what TLS cannot be made of
   */
  renewal?(tls: ServerTls): () => void;
}

/** What a fetch goes over, as far as the runtime lets that be chosen (Cloudflare: not at all). */
export interface FetchConnection {
  /** Whether HTTP/2 is all that may be spoken. */
  readonly http2: boolean;
  /** How TLS is spoken, for https targets. */
  readonly tls: ClientTls | undefined;
}

/** Where a Redis is, and who asks. */
export interface RedisOptions {
  /** A name or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: ClientTls | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** What a connection to Redis calls on its owner. Neither is called after `close`, nor before `redis` has returned. */
export interface RedisHandler {
  /** The connection takes commands. */
  connected(): void;
  /** It is gone, or did not come about; the last call. Nothing is tried again. */
  closed(reason: string): void;
}

/** One connection to Redis. */
export interface RedisConnection {
  /**
   * Sends a command behind those before it, without waiting for their replies. Whole numbers are numbers, texts texts,
   * arrays arrays. Rejects with Redis's own words when it answers with an error, and when the connection is gone.
   */
  send(command: string, args: readonly string[]): Promise<unknown>;
  close(): void;
}

/** Files beside the config, where the runtime has any. */
export interface Files {
  /** The text of a file. Rejects when it cannot be read. */
  read(path: string): Promise<string>;
  /**
   * Calls back some time after the file at this path may have changed: written, replaced, removed, or made anew. May
   * call without a change. Returns an unsubscribe function.
   */
  watch(path: string, changed: () => void): () => void;
  /** The bytes of a file, at once: for the start. Undefined when there is none; throws when it cannot be read. */
  load(path: string): Uint8Array | undefined;
  /**
   * Puts a file that only its owner may read (0600) in the place of the one at this path, all of it or none, and on the
   * disk when it resolves. Rejects when that cannot be done.
   */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes a folder, and those above it, that only their owner may enter (0700); nothing where it is there. */
  folder(path: string): Promise<void>;
  /**
   * Takes a lock between processes; its file is made where there is none. Returns a function that releases it, which
   * the end of the process does too; undefined while somebody else has it. Throws when the file cannot be made.
   */
  lock(path: string): (() => void) | undefined;
}

/** Where lines of the access log go that do not go to standard output. */
export type LinesTo = {
  /** How the operator knows it; no other place is called so. */
  readonly name: string;
} & (
  | {
      readonly kind: "file";
      readonly path: string;
      /** Begun anew before it is larger than so many bytes; so many older ones are kept. */
      readonly rotate: { readonly size: number; readonly keep: number } | undefined;
    }
  /** A datagram a line; or a stream, each line behind its length (RFC 6587), waited for when it is not there. */
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix-datagram"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: ClientTls | undefined }
  | { readonly kind: "unix-stream"; readonly path: string }
);

/** A place that takes lines: stdout, a file, syslog. */
export interface LinesOut {
  /** Takes one line without its newline. Never blocks, never throws; the line is lost when too many wait. */
  write(line: string): void;
  /** How many lines were lost so far. */
  readonly lost: number;
  /** No line follows. What waits is written. */
  close(): void;
}

/** What the process takes of the machine. */
export interface ProcessUsage {
  /** Processor time so far, user and system. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** When the process started, in seconds since the epoch. */
  readonly startedAtSeconds: number;
  /** File descriptors open, and how many may be; absent where the system does not tell. */
  readonly openFiles?: number | undefined;
  readonly mostFiles?: number | undefined;
}

/** What one thread takes of the machine. */
export interface ThreadUsage {
  /** Processor time so far, user and system: without that of helpers that all threads share. */
  readonly cpuSeconds: number;
  /** JavaScript's heap, as the runtime counts it: on Bun as the last collection left it. */
  readonly heapBytes: number;
}

/** All that a runtime lends to the core. */
export interface Platform {
  readonly runtime: "bun" | "deno" | "workers";
  /** Whether lines go to a person's terminal. */
  readonly terminal: boolean;
  /** What this gateway shares with those of other threads; absent when it is the only one. */
  readonly shared?: Shared | undefined;
  /** Monotonic milliseconds, the same in all threads. */
  now(): number;
  /** Milliseconds since the epoch. */
  wallClock(): number;
  /** Calls back once after so many milliseconds. */
  setTimer(callback: () => void, ms: number): Timer;
  clearTimer(timer: Timer): void;
  /** Ids of exchanges and of the gateway itself. */
  readonly ids: Ids;
  /** So many whole numbers of 32 bits, unpredictable. */
  random(count: number): Int32Array;
  /** SHA-256 (FIPS 180-4), 32 bytes. At once on Bun and Deno, later on Cloudflare. */
  sha256(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Which hashes of passwords it can check: bcrypt, and on Bun argon2id too. */
  readonly passwordForms: readonly ("argon2id" | "bcrypt")[];
  /**
   * Whether a password has this hash. On threads of their own on Bun, in short turns elsewhere. Rejects when the hash is
   * of no form that the runtime can check.
   */
  verifyPassword(password: string, hash: string): Promise<boolean>;
  /** Web Crypto, for keys and signatures. */
  readonly subtle: SubtleCrypto;
  /** As the config's reader does it: undefined for what is no certificate. Absent on Cloudflare. */
  readonly certificate?: ((pem: string) => CertificateFacts | undefined) | undefined;
  /** What a client's certificate (DER) says; undefined for what cannot be read. Absent where no listener asks for any. */
  readonly clientCertificate?: ((der: Uint8Array) => ClientCertificateFacts | undefined) | undefined;
  /** Files of the machine; undefined on Cloudflare. */
  readonly files: Files | undefined;
  /** DNS lookups; undefined on Cloudflare. */
  readonly names: Names | undefined;
  /** The runtime's fetch, set so that bytes pass unchanged: no redirects followed, no decoding, no environment proxies. */
  fetch(request: Request, over: FetchConnection): Promise<Response>;
  /** Opens a connection; undefined where the runtime lends no sockets (Cloudflare), fetch is the client then. */
  readonly connect: ((options: ConnectOptions, handler: ConnectHandler) => Connecting) | undefined;
  /** Whether `connect` can agree on HTTP/2 in a handshake. */
  readonly agreesOnHttp2?: boolean;
  /** Opens a listening socket; throws a SocketError (EADDRINUSE, EACCES, …). Undefined on Cloudflare. */
  readonly listen: ((options: ListenOptions) => ListeningSocket) | undefined;
  /** Opens a connection to Redis; undefined on Cloudflare. */
  readonly redis: ((options: RedisOptions, handler: RedisHandler) => RedisConnection) | undefined;
  /** Takes one line (without its newline) for the access log. Never blocks, never throws. */
  line(text: string): void;
  /** How many lines were lost because nobody took them; absent where that is not known. */
  readonly linesLost?: (() => number) | undefined;
  /** Opens another way out for lines; what is wrong there is told, and the gateway goes on. Undefined on Cloudflare. */
  readonly linesTo: ((to: LinesTo) => LinesOut) | undefined;
  /** What stands in syslog messages: the machine and the process. Undefined on Cloudflare. */
  readonly self: { readonly host: string; readonly pid: number } | undefined;
  /** What the process takes of the machine; absent where the runtime does not tell. */
  readonly usage?: (() => ProcessUsage) | undefined;
  /** What the thread that asks takes of it; absent where the runtime does not tell. */
  readonly threadUsage?: (() => ThreadUsage) | undefined;
  /** How much is written to stderr. */
  readonly verbosity: Verbosity;
  /** Tells the operator something that is not an exchange, if that is wanted. */
  notice(level: NoticeLevel, text: string): void;
}
