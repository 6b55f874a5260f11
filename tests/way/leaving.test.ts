// A client that leaves: at each moment, in each way, the target is let go at once and one record says so.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const OPTIONS: GatewayOptions = toUpstream({ connections: { max: 1 } });
const UPLOAD = ["Content-Length: 300000"];

interface Moment {
  readonly name: string;
  readonly begin: (world: World, client: FakeClient) => void;
  /** Status in the record. */
  readonly status: number;
  /** Whether a FIN alone shows that the client is gone: something is written to it, or its request is cut short. */
  readonly shownByFin: boolean;
  /** The target has done its part: its connection is kept. */
  readonly kept?: boolean;
}

const MOMENTS: readonly Moment[] = [
  {
    name: "while it is connected to",
    begin(world, client) {
      world.a.reception = "hang";
      client.request("GET", "/");
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "while its request waits for a connection",
    begin(world, client) {
      world.ask("GET", "/busy");
      client.request("GET", "/");
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "when its request has been sent",
    begin: (_, client) => client.request("GET", "/"),
    status: 499,
    shownByFin: true,
  },
  {
    name: "when its request has been sent with content",
    begin: (_, client) => client.request("POST", "/", ["Content-Length: 3"], "abc"),
    status: 499,
    shownByFin: true,
  },
  {
    name: "when the answer's head has begun to come",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent");
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "in an answer in chunks",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    },
    status: 200,
    shownByFin: true,
  },
  {
    name: "in an answer in chunks of which nothing came yet",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    },
    status: 200,
    shownByFin: true,
  },
  {
    name: "in an answer of a length",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    },
    status: 200,
    shownByFin: false,
  },
  {
    name: "in an answer that it takes too slowly",
    begin(world, client) {
      client.socket.peer.capacity = 1000;
      client.hold();
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      world.settle();
      world.a.last.send(`2710\r\n${"x".repeat(10_000)}\r\n`);
      world.settle();
      expect(world.a.last.socket.peer.paused).toBe(true);
    },
    status: 200,
    shownByFin: true,
  },
  {
    name: "in an answer that is here, of which it has taken a part",
    begin(world, client) {
      client.socket.peer.capacity = 1000;
      client.hold();
      client.request("GET", "/");
      world.settle();
      world.a.last.answer(200, "x".repeat(10_000));
    },
    status: 200,
    shownByFin: true,
    kept: true,
  },
  {
    name: "in its upload",
    begin: (_, client) => client.request("POST", "/", UPLOAD, "abc"),
    status: 499,
    shownByFin: true,
  },
  {
    name: "in its upload in chunks",
    begin: (_, client) => client.request("POST", "/", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n"),
    status: 499,
    shownByFin: true,
  },
  {
    name: "in its upload that the answer has overtaken",
    begin(world, client) {
      client.request("POST", "/", UPLOAD, "abc");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    },
    status: 200,
    shownByFin: true,
  },
  {
    name: "in its upload that waits for the target to connect",
    begin(world, client) {
      world.a.reception = "hang";
      client.request("POST", "/", UPLOAD, "abc");
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "before it is told to go on with its upload",
    begin(world, client) {
      world.a.reception = "hang";
      client.request("POST", "/", [...UPLOAD, "Expect: 100-continue"]);
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "when it has been told to go on with its upload",
    begin: (_, client) => client.request("POST", "/", [...UPLOAD, "Expect: 100-continue"]),
    status: 499,
    shownByFin: true,
  },
  {
    name: "when its upload is whole and the target takes it slowly",
    begin(world, client) {
      world.a.onConnection = (connection) => {
        connection.socket.peer.capacity = 1000;
        connection.hold();
      };
      client.request("POST", "/", ["Content-Length: 100000"]);
      world.settle();
      client.send("x".repeat(100_000));
    },
    status: 499,
    shownByFin: true,
  },
  {
    name: "when it has sent requests ahead",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      client.send("GET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n".repeat(5));
    },
    status: 499,
    shownByFin: true,
  },
];

/** The record of the exchange under test, with its target let go and nothing under way. */
function expectLetGo(world: World, { status, kept = false }: Pick<Moment, "status" | "kept">): void {
  const record = world.records.find((each) => each["url.path"] === "/");
  expect(record).toMatchObject({ "http.response.status_code": status, "error.type": "client_disconnect" });
  const mine = world.a.connections.filter(({ requests }) => requests.every(({ target }) => target === "/"));
  expect(mine.filter(({ ending }) => ending === "open")).toHaveLength(kept ? 1 : 0);
  expect(world.platform.network.hanging).toEqual([]);
  if (!kept) for (const connection of world.a.open) connection.answer(200);
}

describe("a client resets", () => {
  test.each(MOMENTS.map((each) => [each.name, each] as const))("%s", (_, moment) => {
    for (const overtakes of [true, false]) {
      inWorld(OPTIONS, (world) => {
        world.platform.network.resetOvertakes = overtakes;
        const client = world.client();
        world.settle();
        moment.begin(world, client);
        world.settle();
        client.reset();
        world.settle();
        expectLetGo(world, moment);
      });
    }
  });
});

describe("a client closes, and answers nothing but resets", () => {
  test.each(MOMENTS.filter((each) => each.shownByFin).map((each) => [each.name, each] as const))("%s", (_, moment) => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      world.settle();
      moment.begin(world, client);
      world.settle();
      client.leave();
      world.settle();
      expectLetGo(world, moment);
    });
  });

  test("in an answer of a length: the next piece shows it", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
      world.settle();
      client.leave();
      world.settle();
      expect(world.records).toEqual([]);
      world.a.last.send("d");
      world.settle();
      expectLetGo(world, { status: 200 });
    });
  });
});

describe("a client leaves between requests", () => {
  test.each(["", "GET / HTTP/1.1\r\nHos"])("with %j sent: nothing is recorded", (sent) => {
    for (const how of ["reset", "leave", "end"] as const) {
      inWorld(OPTIONS, (world) => {
        const client = world.client();
        client.send(sent);
        world.settle();
        client[how]();
        world.settle();
        expect([...world.platform.network.open]).toEqual([]);
        expect(world.exchanges).toBe(0);
      });
    }
  });
});

test("a client that leaves is seen although much that it sent ahead was not read for a while", () => {
  inWorld(toUpstream({}, { listen: { maxHead: "1KiB" } }), (world) => {
    const client = world.ask("GET", "/first");
    for (let i = 0; i < 5; i++) client.request("GET", `/${i}`, [`X-Long: ${"x".repeat(200)}`]);
    world.settle();
    expect(client.socket.peer.paused).toBe(true);
    world.a.last.answer(200);
    world.settle();
    // What is left is less than a head may be long.
    expect(client.socket.peer.paused).toBe(false);
    client.leave();
    world.settle();
    expect(world.records.at(-1)).toMatchObject({ "error.type": "client_disconnect" });
    expect(world.a.open).toEqual([]);
  });
});
