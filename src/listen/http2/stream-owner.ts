// What a stream needs of the HTTP/2 connection that it is of.
import type { Sender } from "../../http/http2/sender.ts";
import type { Socket } from "../../platform.ts";
import type { Shared } from "../shared.ts";
import type { Stream } from "./stream.ts";

/** The connection, as its streams see it. */
export interface StreamOwner {
  readonly socket: Socket;
  readonly shared: Shared;
  readonly sender: Sender;
  /** Window of a stream that the client has set. */
  readonly firstWindow: number;
  /** Whether the client may send content of any stream. */
  readonly mayReceive: boolean;
  /** So many bytes of content are no longer held. */
  taken(bytes: number): void;
  /** An answer begins. */
  answers(): void;
  /** A frame of content has gone; see MessageEvents. */
  sentContent(bytes: number, isAll: boolean): void;
  /** The answer went out to its end. */
  answered(stream: Stream): void;
  /**
   * The stream is over for both sides. @param code sent to the client, whose side was open, or that must not take the answer
   * for whole
   */
  over(stream: Stream, code: number | undefined): void;
}
