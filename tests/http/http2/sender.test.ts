// The turns of streams on one connection: nobody is left out, and nothing waits that could go.
import { expect, test } from "bun:test";
import { Deadlines } from "../../../src/http/deadlines.ts";
import type { Body, BodySink } from "../../../src/http/body.ts";
import { MessageSender } from "../../../src/http/http2/message-sender.ts";
import { Sender } from "../../../src/http/http2/sender.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import type { Socket } from "../../../src/platform.ts";
import { readFrames } from "../../support/http2-frames.ts";

/** A socket that takes all, until it is told not to. */
function socketOf(): { readonly socket: Socket; readonly frames: () => string[] } {
  let text = "";
  const socket = {
    waiting: 0,
    writeText(head: string, bytes?: Uint8Array): boolean {
      text += head + (bytes === undefined ? "" : Buffer.from(bytes).toString("latin1"));
      return true;
    },
  };
  const frames = (): string[] =>
    readFrames(text).map(({ type, stream, payload }) => `${type} ${stream} ${payload.length}`);
  return { socket: socket as unknown as Socket, frames };
}

const EVENTS = {
  finished: () => undefined,
  broken: () => undefined,
  stuck: () => undefined,
  sentContent: () => undefined,
};

/** A message of a source that is told by hand. */
function messageOn(
  sender: Sender,
  stream: number,
  window: number,
): { message: MessageSender; sink: BodySink; onResume: { call?: () => void } } {
  const means = {
    sender,
    deadlines: new Deadlines(new FakePlatform()),
    sendMs: 0,
    incomplete: "http_response_incomplete",
  } as const;
  const message = new MessageSender(stream, window, means, EVENTS);
  const onResume: { call?: () => void } = {};
  let sink: BodySink | undefined;
  const body: Body = {
    length: undefined,
    pipe: (into) => (sink = into),
    resume: () => onResume.call?.(),
    cancel: () => undefined,
  };
  message.start(() => "", body);
  return { message, sink: sink!, onResume };
}

test("content that ends as soon as there is room for more ends there, though no window opens again", () => {
  const { socket, frames } = socketOf();
  const { message, sink, onResume } = messageOn(new Sender(socket, () => undefined), 1, 10);
  onResume.call = () => sink.end();
  expect(sink.write(new Uint8Array(15))).toBe(false);
  message.widen(5);
  expect(frames()).toEqual(["HEADERS 1 0", "DATA 1 10", "DATA 1 5", "DATA 1 0"]);
});

test("streams take turns, a frame each", () => {
  const { socket, frames } = socketOf();
  const sender = new Sender(socket, () => undefined);
  sender.window = 0;
  const all = [1, 3, 5].map((stream) => messageOn(sender, stream, 100_000));
  for (const { sink } of all) sink.write(new Uint8Array(40_000));
  sender.widen(200_000);
  expect(frames().filter((frame) => frame.startsWith("DATA"))).toEqual(
    [16_384, 16_384, 7232].flatMap((size) => [1, 3, 5].map((stream) => `DATA ${stream} ${size}`)),
  );
});

test("a stream whose own window is shut holds up nobody, and goes on when it opens", () => {
  const { socket, frames } = socketOf();
  const sender = new Sender(socket, () => undefined);
  const [shut, open] = [messageOn(sender, 1, 0), messageOn(sender, 3, 100)];
  expect(shut!.sink.write(new Uint8Array(10))).toBe(false);
  expect(open!.sink.write(new Uint8Array(10))).toBe(true);
  shut!.message.widen(10);
  expect(frames().slice(-2)).toEqual(["DATA 3 10", "DATA 1 10"]);
});
