// What goes out on an HTTP/2 connection: frames of all its streams in turn, within the peer's windows and the socket's pace.
import { HpackEncoder } from "./hpack-encoder.ts";
import { FIRST_WINDOW, MAX_FRAME, MOST } from "./frame.ts";
import { ConnectionFault, ENHANCE_YOUR_CALM, FLOW_CONTROL_ERROR } from "./fault.ts";
import { latin1Text } from "../latin1.ts";
import type { Socket } from "../../platform.ts";

/**
 * What came of a stream's turn. `more`: it has sent, and has more. `idle`: it has nothing to send. `blocked`: its own window
 * is used up. `waits`: the connection's is.
 */
export type Turn = "more" | "idle" | "blocked" | "waits";

/** A stream that sends. `next` and `isReady` are the Sender's: who stands behind it in the row, and whether it stands there. */
export interface Turns {
  next: Turns | undefined;
  isReady: boolean;
  /** Sends one frame of content at most, and what needs no window. */
  turn(): Turn;
}

/** Longest frame that is sent, whatever the peer allows: others wait for no longer than that. */
const LONGEST = MAX_FRAME;
/** Content up to this size goes out in one write with what stands around it. */
const SMALL_PIECE = 1024;
/** Text that is gathered before it is written. */
const GATHERED = 32 * 1024;
/** Most bytes of frames that answer frames, for a peer that does not read them. */
const MOST_BEHIND = 64 * 1024;

/** The sending side of a connection. */
export class Sender {
  readonly hpack = new HpackEncoder();
  /** Bytes of content that the peer takes of all streams. */
  window = FIRST_WINDOW;
  /** Longest frame that the peer takes. */
  maxFrame = MAX_FRAME;
  readonly #socket: Socket;
  readonly #full: () => void;
  /** The row of those that have something to send, linked: a frame costs as much with one stream as with a hundred. */
  #first: Turns | undefined = undefined;
  #last: Turns | undefined = undefined;
  #ready = 0;
  #isCorked = false;
  #text = "";
  #isFlushing = false;
  /** Something can be sent that could not when the round began. */
  #moves = false;
  /** Bytes of frames that answer frames, since the socket is full. */
  #behind = 0;
  /** Whose turn was the last one: content that waits in the socket is this stream's. */
  #turned: Turns | undefined = undefined;

  /** @param full told when the socket takes no more */
  constructor(socket: Socket, full: () => void) {
    this.#socket = socket;
    this.#full = full;
  }

  /** Most bytes of content in one frame. */
  get longest(): number {
    return Math.min(this.maxFrame, LONGEST);
  }

  /** Gathers what is sent, until `uncork`. */
  cork(): void {
    this.#isCorked = true;
  }

  /** Writes what was gathered. */
  uncork(): void {
    this.#isCorked = false;
    this.#write();
  }

  /** Sends frames that wait for nobody's turn. */
  control(frames: string): void {
    if (this.#socket.waiting > 0) this.#behind += frames.length;
    this.put(frames);
  }

  /** @throws ConnectionFault when the peer asks on and on, and does not read what it is told */
  boundBehind(): void {
    if (this.#behind > MOST_BEHIND) throw new ConnectionFault(ENHANCE_YOUR_CALM, "answers to frames are not read");
  }

  /** Sends frames, the last of them with this content. */
  put(frames: string, content?: Uint8Array): void {
    this.#text += frames;
    if (content !== undefined && content.length > SMALL_PIECE) return this.#write(content);
    if (content !== undefined) this.#text += latin1Text(content, 0, content.length);
    if (!this.#isCorked || this.#text.length > GATHERED) this.#write();
  }

  /** A stream has something to send. */
  schedule(stream: Turns): void {
    this.#enqueue(stream);
    this.#moves = true;
    this.flush();
  }

  /** Nothing more is sent of it. */
  forget(stream: Turns): void {
    if (!stream.isReady) return;
    let before: Turns | undefined;
    for (let each = this.#first; each !== stream; each = each!.next) before = each;
    if (before === undefined) this.#first = stream.next;
    else before.next = stream.next;
    if (this.#last === stream) this.#last = before;
    this.#leaves(stream);
  }

  /** Bytes of the stream's last turn that were lost with the socket: there is no other turn while any wait. */
  lostOf(stream: Turns): number {
    return stream === this.#turned ? Math.max(0, this.#socket.lost - this.#behind) : 0;
  }

  /** The peer takes more of all streams. @throws ConnectionFault */
  widen(bytes: number): void {
    this.window += bytes;
    if (this.window > MOST) throw new ConnectionFault(FLOW_CONTROL_ERROR, "the connection's window is over its bound");
    this.flush();
  }

  /** The socket has room again. */
  drained(): void {
    this.#behind = 0;
    this.flush();
  }

  /** Gives every stream its turn, again and again, while anything can be sent. */
  flush(): void {
    // A stream that has sent asks its source for more, which comes at once maybe: the turns go on, instead of nesting.
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#moves = true;
    while (this.#moves && this.#ready > 0 && this.#socket.waiting === 0) {
      this.#moves = false;
      for (let left = this.#ready; left > 0 && this.#socket.waiting === 0; left--) {
        const stream = this.#first;
        if (stream === undefined) break;
        this.#first = stream.next;
        if (stream.next === undefined) this.#last = undefined;
        this.#leaves(stream);
        this.#turned = stream;
        const turn = stream.turn();
        if (turn === "more") this.#moves = true;
        if (turn === "more" || turn === "waits") this.#enqueue(stream);
      }
    }
    this.#isFlushing = false;
  }

  #enqueue(stream: Turns): void {
    if (stream.isReady) return;
    stream.isReady = true;
    if (this.#last === undefined) this.#first = stream;
    else this.#last.next = stream;
    this.#last = stream;
    this.#ready++;
  }

  #leaves(stream: Turns): void {
    stream.isReady = false;
    stream.next = undefined;
    this.#ready--;
  }

  #write(content?: Uint8Array): void {
    if (this.#text === "" && content === undefined) return;
    const text = this.#text;
    this.#text = "";
    if (!this.#socket.writeText(text, content)) this.#full();
  }
}
