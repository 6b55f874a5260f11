// Upgrades under load: whoever connects meanwhile is answered, and limits go on exactly where they were.
import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { certificates } from "../../support/certificates.ts";
import { alone, endAll, finish, left, rewrite, start, upgraded } from "./rig.ts";
import { connect as connectTls } from "node:tls";
import { missing } from "../../support/requirements.ts";

afterEach(endAll);

const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** One request on a connection of its own: the status, or the word for what became of it instead. */
function once(port: number, secure: boolean): Promise<string> {
  return new Promise((resolve) => {
    const socket = secure
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connect(port, "127.0.0.1");
    let text = "";
    socket.once(secure ? "secureConnect" : "connect", () => socket.write(REQUEST));
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.once("error", (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    socket.once("close", () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "closed without an answer"));
  });
}

/** So many clients, each connecting anew again and again until told to end. Gives what they met, counted. */
function load(port: number, clients: number, secure = false): { end(): Promise<Record<string, number>> } {
  const met: Record<string, number> = {};
  let goesOn = true;
  const all = Array.from({ length: clients }, async () => {
    while (goesOn) {
      const what = await once(port, secure);
      met[what] = (met[what] ?? 0) + 1;
    }
  });
  return {
    async end() {
      goesOn = false;
      await Promise.all(all);
      return met;
    },
  };
}

/** The event loop stands still for a moment again and again, so that connections wait to be accepted. */
const BUSY = `
const stand = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.wait(stand, 0, 0, 12), 15);
`;

const LIMIT = 500_000;
const options = (workers: number, listen: object = {}): object => ({
  listen: { host: "127.0.0.1", port: 0, ...listen },
  workers,
  limits: { many: { limit: LIMIT, window: "1h", by: "address" } },
  routes: { all: { match: "/*", limits: "many", answer: { body: "hello" } } },
});
const text = (config: object): string =>
  `import { defineGateway } from "sluice";${BUSY}
export default defineGateway(${JSON.stringify({ log: false, admin: { socket: "admin.sock" }, ...config })} as never);
`;

const lacks = missing("openssl");

describe.each([1, 2])("with workers: %i", (workers) => {
  test("five upgrades lose no connection of a hundred clients, and each request is counted once", async () => {
    const gateway = await start(text(options(workers)));
    const clients = load(gateway.port, 100);
    let last = 0;
    for (let time = 0; time < 5; time++) last = await upgraded(gateway);
    const met = await clients.end();
    expect(Object.keys(met)).toEqual(["200"]);
    await alone(gateway, last);
    expect(await left(gateway, "many")).toBe(LIMIT - met["200"]!);
    await finish(gateway);
  }, 60_000);

  test.skipIf(lacks !== undefined)(
    "nor does one lose a handshake of TLS",
    async () => {
      const { local } = certificates();
      const files = { "own.pem": local.cert, "own.key": local.key };
      const listen = { tls: { certificates: [{ cert: "own.pem", key: "own.key" }] } };
      const gateway = await start(text(options(workers, listen)), { files });
      const clients = load(gateway.port, 40, true);
      let last = 0;
      for (let time = 0; time < 3; time++) last = await upgraded(gateway);
      const met = await clients.end();
      expect(Object.keys(met)).toEqual(["200"]);
      await alone(gateway, last);
      expect(await left(gateway, "many")).toBe(LIMIT - met["200"]!);
      await finish(gateway);
    },
    60_000,
  );

  test("a limit lets through what it says over five upgrades, and not one more", async () => {
    const config = {
      workers,
      limits: { few: { limit: 1000, window: "1h", by: "address" } },
      routes: { all: { match: "/*", limits: "few", answer: { body: "hello" } } },
    };
    const gateway = await start(config);
    const met: string[] = [];
    const ask = async (times: number): Promise<void> => {
      met.push(...(await Promise.all(Array.from({ length: times }, () => once(gateway.port, false)))));
    };
    for (let time = 0; time < 5; time++) await Promise.all([upgraded(gateway), ask(150)]);
    expect(new Set(met)).toEqual(new Set(["200"]));
    await Promise.all([ask(150), ask(150)]);
    expect(met.filter((each) => each === "200")).toHaveLength(1000);
    expect(met.filter((each) => each === "429")).toHaveLength(50);
    await finish(gateway);
  }, 60_000);
});

test("workers may become more, and fewer, from one process to the next", async () => {
  const gateway = await start(text(options(1)));
  const clients = load(gateway.port, 50);
  let last = 0;
  for (const workers of [3, 2, 1, 2]) {
    rewrite(gateway, text(options(workers)));
    last = await upgraded(gateway);
  }
  const met = await clients.end();
  expect(Object.keys(met)).toEqual(["200"]);
  await alone(gateway, last);
  expect(await left(gateway, "many")).toBe(LIMIT - met["200"]!);
  await finish(gateway);
}, 60_000);
