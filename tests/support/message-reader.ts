// A strict reader of HTTP/1.1 messages, made for the tests alone: it shares no code with the gateway it judges.
import { BytesEnded, Malformed, type ByteReader, type Ending } from "./byte-reader.ts";
import { DeadlinePassed } from "./deadline.ts";

/** One field line as it stood on the wire. */
export interface FieldLine {
  readonly name: string;
  readonly value: string;
}

/** A list of field lines with look-ups by name, without regard to case. */
export class FieldLines {
  readonly lines: FieldLine[] = [];

  /** The values of all lines of that name, in order. */
  all(name: string): string[] {
    const key = name.toLowerCase();
    return this.lines.filter((line) => line.name.toLowerCase() === key).map((line) => line.value);
  }

  /** The value of the only line of that name; undefined without one, an error with several. */
  one(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) throw new Error(`${values.length} lines of ${name}: ${JSON.stringify(values)}`);
    return values[0];
  }

  /** Names in their order and spelling. */
  get names(): string[] {
    return this.lines.map((line) => line.name);
  }

  /** All lines as text, one a line. */
  get text(): string {
    return this.lines.map((line) => `${line.name}: ${line.value}\r\n`).join("");
  }
}

/** What is known of a message's body while it is read, and after. */
export class ReceivedBody {
  /** How the message said where its body ends. */
  framing: "none" | "length" | "chunked" | "close" = "none";
  /** Body bytes received, chunking removed. */
  bytes = 0;
  /** Sizes of the chunks, in order, when chunked; at most the first 1,000. */
  chunks: number[] = [];
  /** When the body's pieces arrived and how long the body was then; at most the first 10,000. */
  arrivals: { at: number; bytes: number }[] = [];
  /** Chunk extensions seen. */
  extensions: string[] = [];
  readonly #keep: number;
  #pieces: Buffer[] = [];

  /** Keeps the first `keep` bytes of the content. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Takes a piece. */
  add(piece: Buffer, at: number): void {
    if (this.bytes < this.#keep) this.#pieces.push(piece.subarray(0, this.#keep - this.bytes));
    this.bytes += piece.length;
    if (this.arrivals.length < 10_000) this.arrivals.push({ at, bytes: this.bytes });
  }

  /** The content, as far as it was kept. */
  get content(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? Buffer.alloc(0);
  }

  /** The content as latin1 text. */
  get text(): string {
    return this.content.toString("latin1");
  }

  /** When this text had arrived whole, on `performance.now()`; undefined if it is not there. */
  arrivalOf(text: string): number | undefined {
    const start = this.content.indexOf(text, 0, "latin1");
    if (start < 0) return undefined;
    return this.arrivals.find((arrival) => arrival.bytes >= start + text.length)?.at;
  }
}

/** What every received message has. */
export abstract class ReceivedMessage {
  version = "";
  readonly fields = new FieldLines();
  readonly trailers = new FieldLines();
  readonly body: ReceivedBody;
  /** The head as text, from its first line to the empty line. */
  headText = "";
  /** True when the framing was satisfied. */
  complete = false;
  /** Why not, if something was wrong. */
  problem: string | undefined;
  /** When the head, and when the last byte had arrived, on `performance.now()`; 0 before. */
  headAt = 0;
  completeAt = 0;

  constructor(keep: number) {
    this.body = new ReceivedBody(keep);
  }

  /** The framing fields the head holds, lower case, a line each. */
  get framingFields(): string[] {
    const framing = ["content-length", "transfer-encoding"];
    return this.fields.names.map((name) => name.toLowerCase()).filter((name) => framing.includes(name));
  }
}

/** A response. */
export class ReceivedResponse extends ReceivedMessage {
  /** 0 when the connection ended without a status line. */
  status = 0;
  reason = "";
  /** Interim answers that came before, in order. */
  readonly interim: ReceivedResponse[] = [];
  /** How the connection stood when reading stopped. */
  ending: Ending = "open";
}

/** A request. */
export class ReceivedRequest extends ReceivedMessage {
  method = "";
  target = "";
  /** The body as it stood on the wire, chunking included; empty when it was too long to keep. */
  rawBody: Buffer = Buffer.alloc(0);
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3}) ([\t\x20-\x7e\x80-\xff]*)$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,15})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?$/;

/** Reads field lines up to the empty line, and returns them as text. */
async function readFields(reader: ByteReader, into: FieldLines): Promise<string> {
  let text = "";
  for (;;) {
    const line = await reader.line();
    text += `${line}\r\n`;
    if (line === "") return text;
    const parts = FIELD_LINE.exec(line);
    if (parts === null) throw new Malformed(`not a field line: ${JSON.stringify(line)}`);
    into.lines.push({ name: parts[1]!, value: parts[2]! });
  }
}

/** Decides how the body of a message is framed (RFC 9112 section 6.3), strictly. */
function framingOf(message: ReceivedMessage, otherwise: "none" | "close"): number {
  const codings = message.fields.all("transfer-encoding");
  const lengths = message.fields.all("content-length");
  if (codings.length > 0) {
    if (lengths.length > 0) throw new Malformed("both Transfer-Encoding and Content-Length");
    if (codings.length > 1 || codings[0]!.toLowerCase() !== "chunked") {
      throw new Malformed(`Transfer-Encoding ${JSON.stringify(codings)}`);
    }
    message.body.framing = "chunked";
    return 0;
  }
  if (lengths.length > 1 || (lengths.length === 1 && !/^[0-9]{1,15}$/.test(lengths[0]!))) {
    throw new Malformed(`Content-Length ${JSON.stringify(lengths)}`);
  }
  message.body.framing = lengths.length === 1 ? "length" : otherwise;
  return Number(lengths[0] ?? 0);
}

/** Reads the pieces of a body as they come, chunking removed; ends when the framing is satisfied. */
export async function* bodyPieces(
  reader: ByteReader,
  message: ReceivedMessage,
  length: number,
): AsyncGenerator<Buffer> {
  const { body } = message;
  const pieces = async function* (left: number): AsyncGenerator<Buffer> {
    while (left > 0) {
      const piece = await reader.some(left);
      if (piece === undefined) throw new BytesEnded(`${body.bytes} bytes of the body, then ${reader.ending}`);
      left -= piece.length;
      body.add(piece, reader.lastAt);
      yield piece;
    }
  };
  if (body.framing === "length") yield* pieces(length);
  else if (body.framing === "close") {
    for (let piece = await reader.some(); piece !== undefined; piece = await reader.some()) {
      body.add(piece, reader.lastAt);
      yield piece;
    }
    if (reader.ending !== "fin") throw new BytesEnded(`a body delimited by close ended by ${reader.ending}`);
  } else if (body.framing === "chunked") {
    for (;;) {
      const line = await reader.line();
      const parts = CHUNK_LINE.exec(line);
      if (parts === null) throw new Malformed(`not a chunk size: ${JSON.stringify(line)}`);
      const size = Number.parseInt(parts[1]!, 16);
      if (parts[2] !== undefined) body.extensions.push(parts[2]);
      if (size === 0) break;
      if (body.chunks.length < 1000) body.chunks.push(size);
      yield* pieces(size);
      const end = await reader.exactly(2);
      if (end.toString("latin1") !== "\r\n") throw new Malformed("no CRLF behind the chunk's data");
    }
    await readFields(reader, message.trailers);
  }
  message.complete = true;
  message.completeAt = performance.now();
}

/** Puts what went wrong into the message; rethrows what is no fault of the peer's. */
function note(message: ReceivedMessage, failure: unknown): void {
  if (!(failure instanceof BytesEnded || failure instanceof Malformed)) throw failure;
  message.problem = failure.message;
}

/** What to read, and how much of it to keep. */
export interface ResponseOptions {
  /** Method of the request: HEAD has no body. Default: GET. */
  readonly method?: string;
  /** Bytes of the content to keep. Default: 16 MiB. */
  readonly keep?: number;
  /** Called with the answer once its head is there. */
  readonly onHead?: (response: ReceivedResponse) => void | Promise<void>;
}

/**
 * Reads one response, interim ones included. Never fails because of what the peer sent: `complete` and `problem` tell.
 * DeadlinePassed carries the part received as its `cause`.
 */
export async function readResponse(reader: ByteReader, options: ResponseOptions = {}): Promise<ReceivedResponse> {
  const interim: ReceivedResponse[] = [];
  for (;;) {
    const response = new ReceivedResponse(options.keep ?? 16 * 1024 * 1024);
    response.interim.push(...interim);
    try {
      await readResponseHead(reader, response);
      if (response.status < 200 && response.status !== 101) {
        response.complete = true;
        interim.push(response);
        continue;
      }
      await options.onHead?.(response);
      const empty = options.method === "HEAD" || [101, 204, 304].includes(response.status);
      const length = empty ? 0 : framingOf(response, "close");
      for await (const piece of bodyPieces(reader, response, length)) void piece;
    } catch (failure) {
      if (failure instanceof DeadlinePassed) {
        response.ending = reader.ending;
        throw new DeadlinePassed(`${failure.message}; so far: ${describe(response)}`, { cause: response });
      }
      note(response, failure);
    }
    response.ending = reader.ending;
    return response;
  }
}

async function readResponseHead(reader: ByteReader, response: ReceivedResponse): Promise<void> {
  const first = await reader.line();
  const parts = STATUS_LINE.exec(first);
  if (parts === null) throw new Malformed(`not a status line: ${JSON.stringify(first)}`);
  response.version = `1.${parts[1]}`;
  response.status = Number(parts[2]);
  response.reason = parts[3]!;
  response.headText = `${first}\r\n${await readFields(reader, response.fields)}`;
  response.headAt = reader.lastAt;
}

/** Reads the head of a request and prepares its body. Undefined when the peer has ended. `length` goes to bodyPieces. */
export async function readRequestHead(
  reader: ByteReader,
  keep: number,
): Promise<{ request: ReceivedRequest; length: number } | undefined> {
  const request = new ReceivedRequest(keep);
  let length = 0;
  try {
    if (reader.unread === 0 && reader.ending !== "open") return undefined;
    const first = await reader.line();
    const parts = REQUEST_LINE.exec(first);
    request.headText = `${first}\r\n`;
    if (parts === null) throw new Malformed(`not a request line: ${JSON.stringify(first)}`);
    request.method = parts[1]!;
    request.target = parts[2]!;
    request.version = `1.${parts[3]}`;
    request.headText += await readFields(reader, request.fields);
    request.headAt = reader.lastAt;
    length = framingOf(request, "none");
  } catch (failure) {
    if (failure instanceof BytesEnded && request.headText === "" && failure.message.startsWith("nothing"))
      return undefined;
    note(request, failure);
  }
  return { request, length };
}

/** One line about a response, for the message of a failed test. */
export function describe(response: ReceivedResponse): string {
  const ending = response.ending === "open" ? "" : `, ${response.ending}`;
  if (response.status === 0)
    return `no answer${ending}${response.problem === undefined ? "" : ` (${response.problem})`}`;
  const state = response.complete ? "complete" : `incomplete: ${response.problem ?? "so far"}`;
  return `${response.headText.trimEnd()} + ${response.body.bytes} bytes (${state}${ending}) ${response.body.text.slice(0, 300)}`;
}
