// The clients and targets of a story: each has its script, and sends a piece of it when the story says so.
import { fieldOf, type FakeRequest } from "../../src/platforms/fake/messages.ts";
import type { FakeClient, FakeTarget, FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { type AnswerPlan, type Ask, type ClientPlan, GARBAGE } from "./story.ts";

/** A request as its client sends it. */
export interface Line {
  readonly ask: Ask;
  /** Unlike all others; "" for garbage. */
  readonly path: string;
  readonly content: string;
  /** Where it ends in all that the client sends. */
  readonly end: number;
}

/** An answer that an honest reader would take for one of the gateway's if it ever saw it. */
export const SMUGGLED = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nSMUGGLED";

/** A client that speaks its lines. */
export class ClientActor {
  readonly peer: FakeClient;
  readonly lines: readonly Line[];
  /** It has ended, left or reset the connection by its own will. */
  gone: "end" | "leave" | "reset" | undefined = undefined;
  /** It has stopped reading for a while. */
  held = false;
  /** Bytes sent. */
  sent = 0;
  /** Bytes sent into its tunnel. */
  tunnelled = 0;
  readonly #ahead: boolean;
  readonly #text: string;

  constructor(peer: FakeClient, number: number, plan: ClientPlan) {
    this.peer = peer;
    this.#ahead = plan.ahead;
    const lines: Line[] = [];
    let text = "";
    const lastChunked = plan.asks.findLastIndex((ask) => isChunked(ask));
    for (const [i, ask] of plan.asks.entries()) {
      const last = i === plan.asks.length - 1;
      const path = last && ask.special in GARBAGE ? "" : `/${ask.route}/${number}/${i}`;
      const content = ask.content === "none" ? "" : contentOf(`${path}|`, ask.size);
      const broken = plan.breaksChunks && i === lastChunked;
      text +=
        path === "" ? GARBAGE[ask.special as keyof typeof GARBAGE] : requestText(ask, path, content, broken, last);
      lines.push({ ask, path, content: broken ? `${content}#never whole` : content, end: text.length });
      peer.methods.push(path === "" ? "GET" : ask.method);
      if (broken) break;
    }
    this.lines = lines;
    this.#text = text;
  }

  /** Says so much of what it still has to say, and not more than it may. */
  send(bytes: number): void {
    if (this.gone !== undefined || this.peer.socket.gone) return;
    const { answers } = this.peer;
    if (answers.at(-1)?.status === 101) {
      this.peer.send("c".repeat(Math.min(bytes, 300)));
      this.tunnelled += Math.min(bytes, 300);
      return;
    }
    const answered = answers.filter(({ complete }) => complete).length;
    const may = this.#ahead ? this.#text.length : (this.lines[answered]?.end ?? this.sent);
    const end = Math.min(may, this.sent + bytes);
    if (end <= this.sent) return;
    this.peer.send(this.#text.slice(this.sent, end));
    this.sent = end;
  }

  /** Goes by its own will. */
  go(how: "end" | "leave" | "reset"): void {
    if (this.peer.socket.gone) return;
    this.gone = how;
    this.peer[how]();
  }
}

function isChunked(ask: Ask): boolean {
  return ask.content === "chunked" && ask.minor === 1;
}

/** Content that tells whose it is, and differs at every place. */
function contentOf(start: string, size: number): string {
  let text = start;
  while (text.length < size) text += `${text.length.toString(36)},`;
  return text;
}

function requestText(ask: Ask, path: string, content: string, broken: boolean, last: boolean): string {
  const fields = ["Host: gw.test"];
  if (ask.close) fields.push("Connection: close");
  else if (ask.minor === 0) fields.push("Connection: keep-alive");
  if (last && ask.special === "upgrade") fields.push("Connection: Upgrade", "Upgrade: websocket");
  if (ask.content !== "none" && ask.expect) fields.push("Expect: 100-continue");
  const head = `${ask.method} ${path} HTTP/1.${ask.minor}\r\n${fields.join("\r\n")}\r\n`;
  if (ask.content === "none") return `${head}\r\n`;
  if (!isChunked(ask)) return `${head}Content-Length: ${content.length}\r\n\r\n${content}`;
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunksOf(content)}${broken ? "zz\r\n" : "0\r\n\r\n"}`;
}

function chunksOf(content: string): string {
  const third = Math.ceil(content.length / 3);
  let text = "";
  for (let at = 0; at < content.length; at += third) {
    const piece = content.slice(at, at + third);
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return text;
}

/** An answer that a target gave, or means to give. */
export interface Given {
  readonly path: string;
  readonly status: number;
  readonly body: string;
  readonly plan: AnswerPlan;
  readonly connection: TargetConnectionActor;
  /** Where it ends in all that the connection sends. */
  readonly end: number;
}

/** A target's connection: the answers it has to give, and how far it has come. */
export class TargetConnectionActor {
  readonly peer: FakeTargetConnection;
  readonly given: Given[] = [];
  sent = 0;
  /** How it has left by its own will. */
  gone: "end" | "reset" | undefined = undefined;
  #text = "";
  /** Places that must not be cut: what a flaw adds comes with the last byte of its answer. */
  readonly #seams: { from: number; to: number }[] = [];
  #endsAt = Infinity;
  #tunnel = false;
  /** For the next request. */
  #plan: AnswerPlan | undefined = undefined;

  constructor(peer: FakeTargetConnection) {
    this.peer = peer;
  }

  /** A request has come that it has not answered whole. */
  get owes(): boolean {
    const { requests } = this.peer;
    return requests.length > 0 && (requests.length > this.given.length || this.sent < this.given.at(-1)!.end);
  }

  /** Answers that it has sent whole, and without taking them back. */
  get sentWhole(): readonly Given[] {
    return this.gone === "reset" ? [] : this.given.filter(({ end }) => this.sent >= end);
  }

  /** Nothing is asked of it, not even on the wire, and nothing owed. */
  get idle(): boolean {
    const { requests, socket } = this.peer;
    const owed = requests.length > this.given.length || this.sent < this.#text.length;
    return !owed && !this.#tunnel && this.gone === undefined && socket.unread === 0 && socket.peer.waiting === 0;
  }

  /** Looks whether a request has come that can be answered now. */
  consider(next: () => AnswerPlan, target: string): void {
    if (this.#tunnel || this.gone !== undefined || this.#endsAt !== Infinity) return;
    for (const request of this.peer.requests.slice(this.given.length)) {
      const plan = (this.#plan ??= next());
      if (!request.complete && !plan.early) return;
      this.#plan = undefined;
      this.#prepare(request, plan, target);
      if (plan.prompt) this.send(Infinity);
    }
  }

  /** Sends so much of what it owes. */
  send(bytes: number): void {
    if (this.gone !== undefined || this.peer.socket.gone) return;
    if (this.#tunnel && this.sent === this.#text.length) this.#text += "t".repeat(Math.min(bytes, 300));
    let end = Math.min(this.#text.length, this.sent + bytes);
    for (const { from, to } of this.#seams) if (end > from && end < to) end = to;
    if (end > this.sent) this.peer.send(this.#text.slice(this.sent, end));
    this.sent = end;
    if (end >= this.#endsAt) this.go("end");
  }

  go(how: "end" | "reset"): void {
    if (this.gone !== undefined || this.peer.socket.gone) return;
    this.gone = how;
    this.peer[how]();
  }

  #prepare(request: FakeRequest, plan: AnswerPlan, target: string): void {
    const { method, target: path } = request;
    const interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(plan.interim);
    if (fieldOf(request, "upgrade") !== undefined && plan.status === 200 && plan.flaw === "none") {
      this.#tunnel = true;
      this.#text += `${interim}HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      this.given.push({ path, status: 101, body: "", plan, connection: this, end: this.#text.length });
      this.#text += "greeting";
      return;
    }
    this.peer.refused.add(this.given.length);
    const silent = method === "HEAD" || plan.status === 204 || plan.status === 304;
    // Behind content that only the end ends nothing can be told apart from it.
    const framing = plan.flaw === "smuggles" || plan.flaw === "longer" ? "sized" : plan.framing;
    const body = silent ? "" : contentOf(`${target}|${path}|`, plan.size);
    const closes = (!silent && framing === "close") || plan.fields === "close" || plan.flaw === "shorter";
    const fields = [`X-From: ${target}`, `X-For: ${path}`];
    if (closes) fields.push("Connection: close");
    if (plan.fields === "hint") fields.push("Keep-Alive: timeout=2");
    if (plan.flaw === "malformed") fields.push("Bad Field: x");
    if (!silent && framing === "sized") fields.push(`Content-Length: ${body.length}`);
    if (!silent && framing === "chunked") fields.push("Transfer-Encoding: chunked");
    if (method === "HEAD" && plan.status === 200) fields.push(`Content-Length: ${plan.size}`);
    this.#text += `${interim}HTTP/1.1 ${plan.status} Fake\r\n${fields.join("\r\n")}\r\n\r\n`;
    if (!silent) {
      const wire = framing === "chunked" ? `${chunksOf(body)}0\r\n\r\n` : body;
      this.#text += plan.flaw === "shorter" ? wire.slice(0, -1) : wire;
    }
    const end = plan.flaw === "shorter" && !silent && framing !== "close" ? Infinity : this.#text.length;
    this.given.push({ path, status: plan.status, body, plan, connection: this, end });
    if (plan.flaw === "smuggles" || plan.flaw === "longer") this.#add(plan.flaw === "longer" ? "more" : SMUGGLED);
    if (plan.ends || closes) this.#endsAt = this.#text.length;
  }

  /** Bytes that belong to no answer. */
  #add(text: string): void {
    const from = this.#text.length - 1;
    this.#text += text;
    this.#seams.push({ from, to: this.#text.length });
    this.#endsAt = this.#text.length;
  }
}

/** A target and its connections. */
export class TargetActor {
  readonly peer: FakeTarget;
  readonly connections: TargetConnectionActor[] = [];
  /** Most connections that the gateway held at once. */
  most = 0;
  readonly #next: () => AnswerPlan;

  constructor(peer: FakeTarget, next: () => AnswerPlan) {
    this.peer = peer;
    this.#next = next;
    peer.onConnection = (connection) => {
      const actor = new TargetConnectionActor(connection);
      this.connections.push(actor);
      connection.socket.capacity = 10_000_000;
      connection.onData = () => actor.consider(this.#next, peer.address);
      this.most = Math.max(this.most, peer.connections.filter(({ socket }) => !socket.peer.gone).length);
    };
  }

  /** Those that may still do something. */
  get alive(): TargetConnectionActor[] {
    return this.connections.filter(({ peer }) => !peer.socket.gone);
  }
}
