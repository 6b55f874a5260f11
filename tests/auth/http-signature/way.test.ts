// Signatures through the whole gateway: content that waits for its digest, observing, other schemes, upgrades.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { apiKey } from "../../../src/config/auth/api-key.ts";
import { httpSignature, type HttpSignatureOptions } from "../../../src/config/auth/http-signature.ts";
import { Secret } from "../../../src/config/secrets.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { fieldOf } from "../../../src/platforms/fake/messages.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";
import { KEYS, type Line, PEM, signed } from "./signer.ts";

const KEY = "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"; // "key"

function options(more: HttpSignatureOptions = {}): GatewayOptions {
  const signingKeys = [KEYS[0]!, { ...KEYS[1]!, key: new Secret(PEM.secret, "SHARED") }];
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: { acme: { signingKeys, keys: [KEY] } },
    auth: { signed: httpSignature(more), key: apiKey() },
    routes: {
      all: { match: "/*", to: "up", auth: "signed" },
      both: { match: "/both", to: "up", auth: ["signed", "key"] },
    },
  };
}

/** Field lines that sign this. */
function sign(world: World, method: string, path: string, content?: string, more: readonly Line[] = []): string[] {
  const digest =
    content === undefined ? undefined : `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;
  const lines: Line[] = [['"@method"', method], ['"@target-uri"', `http://gw.test${path}`], ...more];
  if (digest !== undefined) lines.push(['"content-digest"', digest]);
  const created = Math.floor(world.platform.wallClock() / 1000);
  const [input, signature] = signed(lines, `;created=${created};keyid="ed"`);
  return [
    ...(digest === undefined ? [] : [`Content-Digest: ${digest}`]),
    ...[`Signature-Input: ${input}`, `Signature: ${signature}`],
  ];
}

const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k", "Sec-WebSocket-Version: 13"];

test("a signed request passes, with its signature unless the config keeps it", async () => {
  for (const forward of [true, false]) {
    await inWorldOf(options({ forward }), async (world) => {
      const client = world.ask("GET", "/x?y", sign(world, "GET", "/x?y"));
      await world.until("the request", () => world.a.requests.length > 0);
      const { request } = world.a.last;
      expect(fieldOf(request, "x-consumer")).toBe("acme");
      expect(fieldOf(request, "signature") !== undefined).toBe(forward);
      expect(fieldOf(request, "signature-input") !== undefined).toBe(forward);
      world.a.last.answer(200, "served");
      world.settle();
      expect(client.answer.body).toBe("served");
    });
  }
});

test("no byte of content goes out before all of it fits", async () => {
  await inWorldOf(options(), async (world) => {
    const client = world.client();
    client.request("PUT", "/x", [...sign(world, "PUT", "/x", "hello"), "Content-Length: 5"], "hel");
    await world.rest();
    expect(world.a.connections).toHaveLength(0);
    client.send("lo");
    await world.until("the request", () => world.a.requests.length > 0);
    expect(world.a.last.request).toMatchObject({ body: "hello", framing: "length", complete: true });
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
  });
});

test("a client that leaves in the middle of its content is recorded as that", async () => {
  await inWorldOf(options(), async (world) => {
    const client = world.client();
    client.request("PUT", "/x", [...sign(world, "PUT", "/x", "hello"), "Content-Length: 5"], "hel");
    await world.rest();
    client.reset();
    await world.until("the record", () => world.records.length > 0);
    expect(world.record).toMatchObject({ "error.type": "client_disconnect" });
    expect(world.a.connections).toHaveLength(0);
  });
});

test("while it is only watched, what it would refuse passes whole", async () => {
  const long = "x".repeat(3_000);
  await inWorldOf(options({ mode: "observe", maxContent: "1KiB" }), async (world) => {
    const chunked = `${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`;
    const client = world.ask("PUT", "/x", [...sign(world, "PUT", "/x", long), "Transfer-Encoding: chunked"], chunked);
    await world.until("the request", () => world.a.requests.some(({ complete }) => complete));
    expect(world.a.last.request.body).toBe(long);
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
    expect(world.record).toMatchObject({ "sluice.observed": [{ policy: "auth", "error.type": "content_too_large" }] });
  });
});

test("another scheme of the route may know who calls when the content is too long", async () => {
  const long = "x".repeat(3_000);
  await inWorldOf(options({ maxContent: "1KiB" }), async (world) => {
    const fields = [...sign(world, "PUT", "/both", long), "X-API-Key: key", `Content-Length: ${long.length}`];
    world.ask("PUT", "/both", fields, long);
    await world.until("the request", () => world.a.requests.some(({ complete }) => complete));
    expect(world.a.last.request.body).toBe(long);
    world.a.last.answer(200);
    world.settle();
  });
});

test("a WebSocket upgrade is signed as every request is", async () => {
  await inWorldOf(options(), async (world) => {
    const client = world.ask("GET", "/ws", [...sign(world, "GET", "/ws"), ...upgrade]);
    await world.until("the request", () => world.a.requests.length > 0);
    expect(fieldOf(world.a.last.request, "upgrade")).toBe("websocket");
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
    const refused = world.ask("GET", "/ws2", [...sign(world, "GET", "/ws"), ...upgrade]);
    await world.until("the answer", () => refused.statuses.length > 0);
    expect(refused.statuses).toEqual([401]);
    expect(refused.answer.body).not.toContain("verify");
  });
});
