// A strict reader of HTTP/1.1 messages in text that is all here. It shares no code with the gateway it judges.

/** What every message has. Text is latin1: one character is one byte. */
export interface FakeMessage {
  /** Names as they stood on the wire. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly trailers: readonly (readonly [name: string, value: string])[];
  framing: "none" | "length" | "chunked" | "close";
  /** The content as far as it is there, chunking removed. */
  body: string;
  /** The framing is satisfied. */
  complete: boolean;
}

/** A request. */
export interface FakeRequest extends FakeMessage {
  readonly method: string;
  readonly target: string;
}

/** A response. */
export interface FakeAnswer extends FakeMessage {
  readonly status: number;
  readonly reason: string;
  /** Statuses of the interim answers before it. */
  readonly interim: readonly number[];
}

/** What was read, and the text behind the last message that has a whole head. */
export interface Read<M> {
  readonly messages: M[];
  readonly rest: string;
}

const NONE: ReadonlySet<number> = new Set();
const STATUS_LINE = /^HTTP\/1\.1 ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.1$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** The value of the only field of this name; an error when there are several. */
export function fieldOf(message: Pick<FakeMessage, "fields">, name: string): string | undefined {
  const found = message.fields.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw new Error(`${found.length} lines of ${name}`);
  return found[0]?.[1];
}

/**
 * Reads the answers to requests of these methods, in order; GET behind the last. `ended`: the peer has sent FIN.
 * Anything that no strict reader takes is an error.
 */
export function readAnswers(text: string, methods: readonly string[] = [], ended = false): Read<FakeAnswer> {
  const messages: FakeAnswer[] = [];
  let at = 0;
  let interim: number[] = [];
  for (;;) {
    const head = readHead(text, at);
    if (head === undefined) return { messages, rest: text.slice(at) };
    const parts = STATUS_LINE.exec(head.line);
    if (parts === null) throw new Error(`not a status line: ${JSON.stringify(head.line)}`);
    const status = Number(parts[1]);
    at = head.end;
    if (status < 200 && status !== 101) {
      interim.push(status);
      continue;
    }
    const answer: FakeAnswer = { status, reason: parts[2]!, interim, ...head.message };
    interim = [];
    const method = methods[messages.length] ?? "GET";
    messages.push(answer);
    if (status === 101) {
      answer.complete = true;
      return { messages, rest: text.slice(at) };
    }
    const empty = method === "HEAD" || status === 204 || status === 304;
    at = empty ? finish(answer, at) : readBody(text, at, answer, ended ? "close" : "open");
    if (!answer.complete) return { messages, rest: "" };
  }
}

/**
 * Reads the requests that a target has received. Behind one that asks to switch protocols comes its tunnel, unless the
 * place of that request is in `refused`. Anything that no strict reader takes is an error.
 */
export function readRequests(text: string, refused: ReadonlySet<number> = NONE): Read<FakeRequest> {
  const messages: FakeRequest[] = [];
  let at = 0;
  for (;;) {
    const head = readHead(text, at);
    if (head === undefined) return { messages, rest: text.slice(at) };
    const parts = REQUEST_LINE.exec(head.line);
    if (parts === null) throw new Error(`not a request line: ${JSON.stringify(head.line)}`);
    const request: FakeRequest = { method: parts[1]!, target: parts[2]!, ...head.message };
    messages.push(request);
    at = readBody(text, head.end, request, "none");
    if (!request.complete) return { messages, rest: "" };
    const switches = fieldOf(request, "upgrade") !== undefined && !refused.has(messages.length - 1);
    if (switches) return { messages, rest: text.slice(at) };
  }
}

function readHead(text: string, at: number): { line: string; message: FakeMessage; end: number } | undefined {
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return undefined;
  const [line, ...lines] = text.slice(at, end).split("\r\n");
  const fields = lines.map(readField);
  return { line: line!, message: { fields, trailers: [], framing: "none", body: "", complete: false }, end: end + 4 };
}

function readField(line: string): readonly [string, string] {
  const parts = FIELD_LINE.exec(line);
  if (parts === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
  return [parts[1]!, parts[2]!];
}

function finish(message: FakeMessage, at: number): number {
  message.complete = true;
  return at;
}

/** Reads a body by RFC 9112 section 6.3; returns the index behind it. */
function readBody(text: string, at: number, message: FakeMessage, unframed: "none" | "open" | "close"): number {
  const length = fieldOf(message, "content-length");
  const coding = fieldOf(message, "transfer-encoding");
  if (coding !== undefined) {
    if (length !== undefined || coding !== "chunked") throw new Error(`Transfer-Encoding: ${coding}, ${length}`);
    message.framing = "chunked";
    return readChunks(text, at, message);
  }
  if (length !== undefined) {
    if (!/^\d{1,15}$/.test(length)) throw new Error(`Content-Length: ${length}`);
    message.framing = "length";
    message.body = text.slice(at, at + Number(length));
    message.complete = message.body.length === Number(length);
    return at + Number(length);
  }
  if (unframed === "none") return finish(message, at);
  message.framing = "close";
  message.body = text.slice(at);
  message.complete = unframed === "close";
  return text.length;
}

function readChunks(text: string, from: number, message: FakeMessage): number {
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return text.length;
    const line = text.slice(at, lineEnd);
    if (!/^[0-9A-Fa-f]{1,15}$/.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    message.body += text.slice(at, at + size);
    const end = text.slice(at + size, at + size + 2);
    if (end.length === 2 && end !== "\r\n") throw new Error("no CRLF behind the data of a chunk");
    if (end.length < 2) return text.length;
    at += size + 2;
  }
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return text.length;
    if (lineEnd === at) return finish(message, at + 2);
    (message.trailers as (readonly [string, string])[]).push(readField(text.slice(at, lineEnd)));
    at = lineEnd + 2;
  }
}
