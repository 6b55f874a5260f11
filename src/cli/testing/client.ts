// A client of a gateway under test: writes a request to a connection of its own, and reads the answer as it comes.
import { latin1Bytes, latin1Text, wireText } from "../../http/latin1.ts";
import type { FakeNetwork } from "../../platforms/fake/network.ts";
import { FakeClient } from "../../platforms/fake/peers.ts";
import { contentOf } from "./content.ts";
import type { TestRequest } from "./options.ts";

/** Where requests go that name only a path. */
const BASE = "http://gateway.test";
const ADDRESS = "192.0.2.1";
const BODILESS = new Set([204, 205, 304]);

/** Sends a request to who listens at `listener`. Resolves once the head of the answer is there. */
export async function send(
  network: FakeNetwork,
  listener: string,
  url: string,
  { method, headers, body, address = ADDRESS }: TestRequest,
): Promise<Response> {
  const { host, pathname, search } = new URL(url, BASE);
  const { bytes, type } = await contentOf(body);
  const fields = fieldsOf(headers);
  const has = (name: string): boolean => fields.some(([each]) => each.toLowerCase() === name);
  if (!has("host")) fields.unshift(["Host", host]);
  if (type !== undefined && !has("content-type")) fields.push(["Content-Type", type]);
  const hasContent = body !== undefined && body !== null;
  if (hasContent && !has("content-length")) fields.push(["Content-Length", String(bytes.length)]);
  const client = new FakeClient(network.dial(listener, address), () => network.clock.time);
  const word = method ?? (hasContent ? "POST" : "GET");
  client.methods.push(word);
  const lines = fields.map(([name, value]) => `${name}: ${wireText(value)}`);
  client.send([`${word} ${pathname}${search} HTTP/1.1`, ...lines, "", latin1Text(bytes, 0, bytes.length)].join("\r\n"));
  return new Promise((resolve, reject) => read(client, resolve, reject));
}

function fieldsOf(headers: TestRequest["headers"] = {}): [string, string][] {
  if (headers instanceof Headers) return [...headers];
  const pairs = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers as object);
  return pairs.map(([name, value]): [string, string] => [name, String(value)]);
}

function read(client: FakeClient, resolve: (response: Response) => void, reject: (error: Error) => void): void {
  let told = 0;
  let content: ReadableStreamDefaultController<Uint8Array> | undefined;
  const progress = (): void => {
    const [answer] = client.answers;
    const over = client.ending !== "open";
    if (answer === undefined) {
      if (over) reject(new Error(`the gateway closed the connection without an answer${given(client.received)}`));
      return;
    }
    if (content === undefined) {
      const bodiless = BODILESS.has(answer.status) || client.methods[0] === "HEAD";
      const stream = bodiless ? null : new ReadableStream<Uint8Array>({ start: (each) => void (content = each) });
      resolve(responseOf(answer, stream));
      if (bodiless) return finish();
    }
    if (answer.body.length > told) content!.enqueue(latin1Bytes(answer.body.slice(told)));
    told = answer.body.length;
    if (answer.complete) content!.close();
    else if (over) content!.error(new Error("the answer broke off: its end never came"));
    else return;
    finish();
  };
  const finish = (): void => {
    client.onData = client.onEnding = undefined;
    client.end();
  };
  client.onData = client.onEnding = progress;
}

function given(received: string): string {
  return received === "" ? "" : `: ${JSON.stringify(received.slice(0, 200))}`;
}

function responseOf({ status, reason, fields }: FakeClient["answer"], body: ReadableStream | null): Response {
  const headers = fields.map(([name, value]): [string, string] => [name, value]);
  if (status >= 200) return new Response(body, { status, statusText: reason, headers });
  throw new Error(`the answer is ${status}: tunnels cannot be tested this way`);
}
