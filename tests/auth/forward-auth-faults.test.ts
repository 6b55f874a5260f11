// What becomes of requests when the service of forward-auth misbehaves: each fault, and its outcome.
import { describe, expect, test } from "bun:test";
import { forwardAuth } from "../../src/config/auth/forward-auth.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, type World } from "../support/fake-world.ts";
import { asking, options, serve, sso } from "./forward-auth-world.ts";

describe("a service that misbehaves", () => {
  type Behaviour = (world: World, service: FakeTargetConnection) => void;
  const UNAVAILABLE: readonly (readonly [string, Behaviour])[] = [
    ["says nothing for 5 seconds", (world) => world.advance(5_000)],
    ["closes at once", (_, service) => service.leave()],
    ["resets", (_, service) => service.reset()],
    ["breaks off in the head of its answer", (_, service) => (service.send("HTTP/1.1 200 OK\r\nRem"), service.leave())],
    ["drips its head", (world, service) => drip(world, service, "HTTP/1.1 200 OK\r\nRemote-User: john\r\n\r\n")],
    ["speaks something else", (_, service) => service.send("SSH-2.0-OpenSSH\r\n\r\n")],
    ["has a head without end", (_, service) => service.send(`HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}`)],
    ["names two callers", (_, service) => service.answer(200, "", ["Remote-User: john", "Remote-User: root"])],
    ["puts a control byte into a name", (_, service) => service.answer(200, "", ["Remote-User: jo\x01hn"])],
    ["puts a NUL into a name", (_, service) => service.answer(200, "", ["Remote-User: jo\0hn"])],
    ["puts a bare CR into a name", (_, service) => service.answer(200, "", ["Remote-User: john\rX: y"])],
    ["folds a line", (_, service) => service.answer(200, "", ["Remote-User: john\r\n root"])],
    ["switches protocols", (_, service) => service.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")],
    ["answers with a status that is none", (_, service) => service.send("HTTP/1.1 299x OK\r\n\r\n")],
    ["answers with 99", (_, service) => service.send("HTTP/1.1 099 OK\r\n\r\n")],
    ["has two lengths", (_, service) => service.answer(200, "", ["Content-Length: 4"])],
    ["says 100 without end", (_, service) => service.send("HTTP/1.1 100 Continue\r\n\r\n".repeat(65))],
  ];
  test.each(UNAVAILABLE)("and %s lets nobody pass: 503", (_, behave) => {
    inWorld(options(), (world) => {
      const client = asking(world);
      behave(world, sso(world).last);
      world.settle();
      expect(client.statuses).toEqual([503]);
      expect(fieldOf(client.answer, "retry-after")).toBe("1");
      expect(client.answer.body).toContain('"authentication_unavailable"');
      expect(client.answer.body).not.toContain("sso.test");
      expect(world.record).toMatchObject({ "error.type": "authentication_unavailable" });
      expect(String((world.record as unknown as Record<string, unknown>)["sluice.error.detail"])).toContain("sso.test");
      expect(world.a.requests).toEqual([]);
      sso(world).last.reset();
    });
  });

  test("and takes no connections lets nobody pass: 503", () => {
    inWorld(options(), (world) => {
      sso(world).stop();
      expect(asking(world).statuses).toEqual([503]);
    });
  });

  test("and never lets connect lets nobody pass: 503 after the time of the config", () => {
    inWorld(options({ timeout: "2s" }), (world) => {
      sso(world).reception = "hang";
      const client = asking(world);
      world.advance(1_999);
      expect(client.statuses).toEqual([]);
      world.advance(1);
      expect(client.statuses).toEqual([503]);
    });
  });

  const LETS_PASS: readonly (readonly [string, string | undefined, Behaviour])[] = [
    ["says 100 Continue first", "john", (_, s) => s.send(`HTTP/1.1 100 Continue\r\n\r\n${ok("Remote-User: john")}`)],
    ["names the caller twice alike", "john", (_, s) => s.send(ok("Remote-User: john\r\nremote-user: john"))],
    ["gives an empty name", undefined, (_, s) => s.send(ok("Remote-User:"))],
    ["gives a blank name", undefined, (_, s) => s.send(ok("Remote-User:  \t "))],
    ["pads a name with blanks", "john", (_, s) => s.send(ok("Remote-User: \t john \t"))],
    ["writes bytes beyond ASCII", "j\xc3\xb6hn", (_, s) => s.send(ok("Remote-User: j\xc3\xb6hn"))],
    ["keeps talking for long", "john", (_, s) => s.send(`${endless("john")}${"1\r\nx\r\n".repeat(100_000)}`)],
    ["never ends its content", "john", (world, s) => (s.send(endless("john")), world.advance(0))],
    ["breaks off in its content", "john", (world, s) => (s.send(endless("john")), world.settle(), s.reset())],
    ["speaks HTTP/1.0", "john", (_, s) => (s.send("HTTP/1.0 200 OK\r\nRemote-User: john\r\n\r\nok"), s.leave())],
    ["has a long token", "t".repeat(9_000), (_, s) => s.send(ok(`Remote-User: ${"t".repeat(9_000)}`))],
  ];
  test.each(LETS_PASS)("and %s lets pass", (_, caller, behave) => {
    inWorld(options({ subject: "X-None" }), (world) => {
      const client = asking(world, ["Remote-User: root"]);
      behave(world, sso(world).last);
      world.settle();
      const lines = world.a.last.request.fields.filter(([name]) => name === "Remote-User");
      expect(new Set(lines.map(([, value]) => value))).toEqual(new Set(caller === undefined ? [] : [caller]));
      serve(world);
      expect(client.statuses).toEqual([200]);
    });
  });
});

const ok = (lines: string): string => `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${lines}\r\n\r\n`;
const endless = (user: string): string =>
  `HTTP/1.1 200 OK\r\nRemote-User: ${user}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`;

/** A byte every second. */
function drip(world: World, service: FakeTargetConnection, text: string): void {
  for (const byte of text) {
    if (service.over) return;
    service.send(byte);
    world.advance(1_000);
  }
}

describe("time", () => {
  test("for the answer runs from the question, whatever was waited for", () => {
    inWorld(options({ connections: { max: 1 } }), (world) => {
      world.ask("GET", "/1");
      world.advance(4_000);
      const second = world.ask("GET", "/2");
      world.advance(4_999);
      expect(sso(world).last.request.fields).toContainEqual(["X-Forwarded-Uri", "/2"]);
      expect(second.statuses).toEqual([]);
      world.advance(1);
      expect(second.statuses).toEqual([503]);
    });
  });

  test("of a client that has left is not spent on another service", () => {
    const base = options();
    const other = forwardAuth({ url: "http://other.test/" });
    const all = { match: "/*", to: "up", auth: ["sso", "other"] } as const;
    inWorld({ ...base, auth: { ...base.auth, other }, routes: { all } }, (world) => {
      const client = asking(world);
      client.reset();
      world.settle();
      expect(world.targets["other"]!.connections).toEqual([]);
      expect(world.record).toMatchObject({ "error.type": "client_disconnect" });
    });
  });
});
