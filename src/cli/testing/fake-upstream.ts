// Upstreams of a gateway under test: they do as they are told, and keep what they have received.
import { parseDuration } from "../../http/duration.ts";
import { latin1Text } from "../../http/latin1.ts";
import { FakeTarget, type FakeTargetConnection } from "../../platforms/fake/peers.ts";
import { type FakeRequest, readRequests } from "../../platforms/fake/messages.ts";
import type { FakePlatform } from "../../platforms/fake/platform.ts";
import { contentOf, textOf } from "./content.ts";
import type { Reaction, Reactor, Reply, Seen, TestUpstream } from "./options.ts";

/** The place of the request that asks for a tunnel and gets none: any. */
const UPGRADES_NOTHING: ReadonlySet<number> = new Set([0]);

/** What is done next: one after the other; the last goes on. */
interface Script {
  readonly reactions: (Reaction | Reactor)[];
}

/** What one address does, whichever upstreams have it. */
export class FakeAddress {
  readonly address: string;
  /** Whether a request is a health check of an upstream that has this address. */
  isCheck: (request: Pick<Seen, "method" | "path" | "headers">) => boolean = () => false;
  health: Reaction = {};
  readonly #platform: FakePlatform;
  readonly #target: FakeTarget;
  readonly #saw: (seen: Seen) => void;
  #script: Script = { reactions: [{}] };

  /** @param saw is told of each request but health checks */
  constructor(platform: FakePlatform, address: string, saw: (seen: Seen) => void) {
    this.address = address;
    this.#platform = platform;
    this.#saw = saw;
    this.#target = new FakeTarget(platform.network, address);
    this.#target.onConnection = (connection) => {
      connection.onData = () => {
        // The gateway sends no request ahead.
        const { messages, rest } = readRequests(connection.received, UPGRADES_NOTHING);
        const [request] = messages;
        if (request === undefined || !request.complete) return;
        connection.received = rest;
        void this.#react(request, connection);
      };
    };
  }

  /** Does this from now on, maybe in turn with other addresses. */
  reply(script: Script): void {
    this.#target.reception = "accept";
    this.#script = script;
  }

  /** Refuses connections, and resets those that are open. See TestUpstream. */
  refuse(): void {
    this.#target.reception = "ECONNREFUSED";
    for (const connection of this.#target.open) connection.reset();
  }

  /** Answers what came by the runtime's fetch. */
  async fetch(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const reaction = await this.#reactionTo(this.#seen(method, pathname + search, headers, await request.text()));
    if (reaction === "hang") return new Promise((_, reject) => request.signal.addEventListener("abort", reject));
    if (typeof reaction === "string") throw new TypeError("the connection is gone");
    await this.#wait(reaction);
    const { bytes, fields } = await written(reaction);
    return new Response(bytes as BodyInit, { status: reaction.status ?? 200, headers: fields });
  }

  async #react({ method, target, fields, body }: FakeRequest, connection: FakeTargetConnection): Promise<void> {
    const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
    const reaction = await this.#reactionTo(this.#seen(method, target, headers, textOf(body)));
    if (reaction === "hang") return;
    if (reaction === "reset") return connection.reset();
    if (reaction === "break off") {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off he");
      return connection.leave();
    }
    await this.#wait(reaction);
    const { bytes, fields: answered } = await written(reaction);
    const status = reaction.status ?? 200;
    const content = status === 204 || status === 304 || method === "HEAD" ? new Uint8Array() : bytes;
    const length = status === 204 ? [] : [`Content-Length: ${bytes.length}`];
    const lines = answered.map(([name, value]) => `${name}: ${value}`);
    connection.send(
      [`HTTP/1.1 ${status} Fake`, ...lines, ...length, "", latin1Text(content, 0, content.length)].join("\r\n"),
    );
  }

  #seen(method: string, path: string, headers: Headers, body: string): Seen {
    return { method, path, headers, body, target: this.address, json: () => JSON.parse(body) as unknown };
  }

  async #reactionTo(seen: Seen): Promise<Reaction> {
    if (this.isCheck(seen)) return this.health;
    this.#saw(seen);
    const { reactions } = this.#script;
    const reaction = reactions.length > 1 ? reactions.shift()! : reactions[0]!;
    return typeof reaction === "function" ? reaction(seen) : reaction;
  }

  async #wait({ after }: Reply): Promise<void> {
    if (after === undefined) return;
    const ms = parseDuration(after);
    if (ms === undefined) throw new TypeError(`after: ${JSON.stringify(after)} is no duration like "2s".`);
    await new Promise<void>((resolve) => this.#platform.setTimer(resolve, ms));
  }
}

async function written({ body, headers = {} }: Reply): Promise<{ bytes: Uint8Array; fields: [string, string][] }> {
  const { bytes, type } = await contentOf(body);
  const fields = Object.entries(headers);
  const says = fields.some(([name]) => name.toLowerCase() === "content-type");
  return { bytes, fields: says || type === undefined ? fields : [["Content-Type", type], ...fields] };
}

/** All addresses of an upstream, told together how to answer. */
export class FakeUpstream implements TestUpstream {
  readonly #name: string;
  readonly #addresses: readonly FakeAddress[];
  readonly #seen: readonly Seen[];

  /** @param seen what all addresses have received */
  constructor(name: string, addresses: readonly FakeAddress[], seen: readonly Seen[]) {
    this.#name = name;
    this.#addresses = addresses;
    this.#seen = seen;
  }

  reply(...reactions: readonly (Reaction | Reactor)[]): void {
    if (reactions.length === 0) throw new TypeError("reply() needs to be told what: reply({ status: 200 }).");
    const script = { reactions: [...reactions] };
    for (const address of this.#addresses) address.reply(script);
  }

  hang(): void {
    this.reply("hang");
  }

  breakOff(): void {
    this.reply("break off");
  }

  refuse(): void {
    for (const address of this.#addresses) address.refuse();
  }

  health(reply: Reaction): void {
    for (const address of this.#addresses) address.health = reply;
  }

  get requests(): readonly Seen[] {
    const addresses = new Set(this.#addresses.map(({ address }) => address));
    return this.#seen.filter(({ target }) => addresses.has(target));
  }

  get last(): Seen {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error(`${this.#name} has received no request.`);
    return last;
  }

  target(address: string): TestUpstream {
    const wanted = address.includes("://") ? addressOf(address) : address;
    const found = this.#addresses.find((each) => each.address === wanted);
    if (found !== undefined) return new FakeUpstream(address, [found], this.#seen);
    const known = this.#addresses.map((each) => each.address).join(", ");
    throw new Error(`${this.#name} has no target ${address}. Targets: ${known === "" ? "none" : known}.`);
  }
}

/** "id.example.com:443" of "https://id.example.com/keys". */
export function addressOf(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return `${host}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}
