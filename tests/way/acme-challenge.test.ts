// What the plain port answers to an authority that asks for a token, and to whoever else asks there.
import { expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const acme = { domains: ["a.test"], agreeToTerms: true, storage: "/state" } as const;
const options: GatewayOptions = toUpstream(
  {},
  {
    listen: { port: 8443, tls: { acme, redirectHttp: { port: 8080 } } },
    routes: { all: { match: "/*", to: "up" }, ready: { match: "/ready", answer: "readiness" } },
  },
);
const FOLDER = "/.well-known/acme-challenge/";

function asked(world: World, method: string, target: string, port = 8080): { status: number; text: string } {
  const client = world.client(port);
  client.request(method, target);
  world.settle();
  const { status, body } = client.answers[0]!;
  return { status, text: body };
}

const pending = (world: World): void =>
  world.issued.put({ certificates: [], awaited: ["a.test"], answers: new Map([["token-1", "token-1.thumb"]]) });

test("a token that is pending is answered, and goes to no target", () => {
  inWorld(options, (world) => {
    pending(world);
    expect(asked(world, "GET", `${FOLDER}token-1`)).toEqual({ status: 200, text: "token-1.thumb" });
    expect(asked(world, "GET", `http://a.test${FOLDER}token-1?x`)).toEqual({ status: 200, text: "token-1.thumb" });
    expect(asked(world, "HEAD", `${FOLDER}token-1`)).toEqual({ status: 200, text: "" });
    expect(world.a.requests).toEqual([]);
  });
});

test.each([
  ["another token", "GET", `${FOLDER}token-2`],
  ["no token", "GET", FOLDER],
  ["a name that every object has", "GET", `${FOLDER}constructor`],
  ["a path behind a token", "GET", `${FOLDER}token-1/x`],
  ["dots", "GET", `${FOLDER}../acme-challenge/x`],
  ["another method", "POST", `${FOLDER}token-1`],
  ["any path", "GET", "/"],
])("%s is led to https", (_, method, target) => {
  inWorld(options, (world) => {
    pending(world);
    expect(asked(world, method, target).status).toBe(308);
  });
});

test("once it is over, the token is led to https as well", () => {
  inWorld(options, (world) => {
    pending(world);
    world.issued.put({ certificates: [], awaited: [], answers: new Map() });
    expect(asked(world, "GET", `${FOLDER}token-1`).status).toBe(308);
  });
});

const FILE = "/state/ca/answers.json";
const sharing = (world: World): void =>
  world.issued.put({ certificates: [], awaited: [], answers: new Map(), answersFile: FILE });

test("a token that is pending in another process with the same folder is answered, and others are led to https", () =>
  inWorldOf(options, async (world) => {
    sharing(world);
    const statusOf = async (token: string): Promise<number> => {
      const client = world.client(8080);
      client.request("GET", `${FOLDER}${token}`);
      await world.rest();
      return client.statuses[0]!;
    };
    expect(await statusOf("token-2")).toBe(308);
    world.platform.files.write(FILE, '{"token-2":"token-2.thumb","odd":7}');
    expect(await statusOf("token-2")).toBe(200);
    for (const token of ["odd", "toString", "../answers.json"]) expect(await statusOf(token)).toBe(308);
    world.platform.files.write(FILE, "{");
    expect(await statusOf("token-2")).toBe(308);
  }));

test("however many ask for tokens, the file is read by one at a time, and each sees what was there when it asked", () =>
  inWorldOf(options, async (world) => {
    sharing(world);
    const { files } = world.platform;
    const reads: (() => void)[] = [];
    files.read = () => new Promise((resolve) => reads.push(() => resolve('{"late":"late.thumb"}')));
    const clients = Array.from({ length: 50 }, () => world.client(8080));
    for (const client of clients) client.request("GET", `${FOLDER}late`);
    await world.rest();
    expect(reads.length).toBe(1);
    reads[0]!();
    await world.rest();
    expect(reads.length).toBe(2);
    reads[1]!();
    await world.rest();
    expect(reads.length).toBe(2);
    expect(clients.map(({ statuses }) => statuses[0])).toEqual(clients.map(() => 200));
  }));

test("over TLS the path is one of the config's own", () => {
  inWorld(options, (world) => {
    pending(world);
    const client = world.client(8443);
    client.request("GET", `${FOLDER}token-1`);
    world.settle();
    world.a.last.answer(204);
    world.settle();
    expect(client.statuses).toEqual([204]);
  });
});

test("readiness says that certificates are awaited, and not which", () => {
  inWorld(options, (world) => {
    pending(world);
    expect(asked(world, "GET", "/ready", 8443)).toEqual({
      status: 503,
      text: '{"ready":false,"unready":["listen.tls.acme"]}',
    });
    expect(world.gateway.obstacles()).toEqual([{ name: "listen.tls.acme", reason: "no certificate yet for a.test" }]);
    const certificates = [{ cert: "of a.test", key: "", names: ["a.test"], notAfter: 0 }];
    world.issued.put({ certificates, awaited: [], answers: new Map() });
    expect(asked(world, "GET", "/ready", 8443).status).toBe(200);
  });
});
