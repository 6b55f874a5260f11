// What a test is given: the gateway, its clock, and who stands behind it.
import type { Duration } from "../../config/options.ts";

/** Content: a text, bytes, a form, or anything else that JSON can say. */
export type TestBodyContent = string | Uint8Array | URLSearchParams | FormData | object | null;

/** What the gateway under test finds outside its config. */
export interface TestGatewayOptions {
  /** Variables that `env()` reads. Those of the machine are not there. */
  readonly env?: Readonly<Record<string, string>>;
  /** Texts of files by the paths that the config has. Others are read from the disk, beside the test. */
  readonly files?: Readonly<Record<string, string>>;
  /** What its clock says at first. Default: what the clock of the test says, at first 2026-01-01T00:00:00Z. */
  readonly at?: Date | string;
}

/** What `g.fetch` sends beside the URL. */
export interface TestRequest {
  /** Default: `GET`, with content `POST`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | Headers | readonly (readonly [name: string, value: string])[];
  readonly body?: TestBodyContent;
  /** The client's address. Default: `192.0.2.1`. */
  readonly address?: string;
}

/** An answer of a test's upstream. */
export interface Reply {
  /** The status. Default: 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: TestBodyContent;
  /** How long it takes, by the clock of the test. */
  readonly after?: Duration;
}

/** What an upstream does with a request: replies, never replies, ends in the middle of its reply, or resets without one. */
export type Reaction = Reply | "hang" | "break off" | "reset";

/** Decides how an upstream reacts to each request. */
export type Reactor = (request: Seen) => Reaction | Promise<Reaction>;

/** A request as an upstream has received it. */
export interface Seen {
  readonly method: string;
  /** Path and query, as they stood in the request line. */
  readonly path: string;
  readonly headers: Headers;
  /** The request's content as text. */
  readonly body: string;
  /** Who received it: "127.0.0.1:9001". */
  readonly target: string;
  /** The request's content read as JSON. @throws SyntaxError */
  json(): unknown;
}

/** An upstream, or one target of it. Until it is told otherwise it answers 200 with no content. */
export interface TestUpstream {
  /** Answers in this way from now on: one after the other; the last goes on. */
  reply(...reactions: readonly (Reaction | Reactor)[]): void;
  /** Takes requests and never answers. */
  hang(): void;
  /** Ends in the middle of each answer. */
  breakOff(): void;
  /** Is not there: connections are refused, and those that are open are reset. Any other of these ends that. */
  refuse(): void;
  /** What its health checks are answered. Default: 200. They are not among the requests. */
  health(reply: Reaction): void;
  /** What it has received, in order. */
  readonly requests: readonly Seen[];
  /** The request that came last; an error when none came. */
  readonly last: Seen;
  /** One target, by its URL or as "host:port". */
  target(address: string): TestUpstream;
}

/** Time, moved by hand. `Date` says the same. */
export interface TestClock {
  readonly now: Date;
  /** Time passes: what is due happens on the way. */
  advance(span: Duration | number): void;
  /** Time passes until a promise settles: until a retry, say, or the end of a timeout. Fails when an hour was not enough. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Sets the calendar, as an operator does: it is another date, but no time has passed. */
  set(date: Date | string): void;
}

/** A gateway that runs in the test. `U` are the names of its upstreams. */
export interface TestGateway<U extends string = string> {
  /** Sends a request the whole way, over a connection of its own. Resolves once the head of the answer is there. */
  fetch(url: string, request?: TestRequest): Promise<Response>;
  /** All targets of an upstream. */
  upstream(name: U): TestUpstream;
  /** Somebody else that the gateway asks, by origin: `g.origin("https://id.example.com")`. */
  origin(url: string): TestUpstream;
  readonly clock: TestClock;
  /** Lines of the access log so far. */
  readonly log: readonly string[];
  /** What an operator was told so far. */
  readonly notices: readonly string[];
  /** Waits until nothing happens any more unless the clock is moved. */
  rest(): Promise<void>;
}
