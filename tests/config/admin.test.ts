// The admin listener as users write it: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { env } from "../../src/config/secrets.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { faultLines, HELLO, planOf, reader, type World } from "./support.ts";

const withAdmin = (admin: unknown): object => ({ admin, routes: { hello: HELLO } });
const world: World = { env: { GOOD: "0123456789abcdef", SHORT: "0123456789abcde", BLANK: "0123456789abcdef g" } };

test("there is none unless it is written, and then it is this machine's", () => {
  expect(planOf({ routes: { hello: HELLO } }).admin).toBeUndefined();
  expect(planOf(withAdmin({})).admin).toEqual({
    socket: undefined,
    port: 9901,
    host: "127.0.0.1",
    names: [],
    token: undefined,
    revokedKeys: undefined,
  });
});

test("a socket stands in place of port and host, is relative to the config and needs no token", () => {
  const { plan } = resolvePlan(withAdmin({ socket: "run/a.sock", names: ["gate"] }), {
    ...reader(),
    locate: (path) => `/etc/sluice/${path}`,
  });
  expect(plan!.admin).toEqual({
    socket: "/etc/sluice/run/a.sock",
    port: 0,
    host: "localhost",
    names: ["gate"],
    token: undefined,
    revokedKeys: undefined,
  });
});

test("a token comes from outside and is shown nowhere", () => {
  const options = withAdmin({ host: "0.0.0.0", names: ["Gate.Internal"], token: env("GOOD") });
  const { admin } = planOf(options, world);
  expect(admin).toMatchObject({ host: "0.0.0.0", names: ["gate.internal"] });
  expect(admin!.token!.reveal()).toBe("0123456789abcdef");
  expect(JSON.stringify(admin)).not.toContain("0123456789");
});

test.each([
  ["that of the listener", { port: 9901 }, {}, "admin.port"],
  ["that of the listener on all addresses", { port: 80, host: "0.0.0.0" }, { port: 80 }, "admin.port"],
  ["another address's", { port: 80, host: "127.0.0.2" }, { port: 80 }, undefined],
  ["another", { port: 80 }, { port: 81 }, undefined],
  ["whichever is free, for both", { port: 0 }, { port: 0 }, undefined],
])("its port is its own: %s", (_, listen, admin, at) => {
  const fault = `${at}: ${"port" in admin ? admin.port : 9901} is not another port than the listener's.`;
  expect(faultLines({ ...withAdmin(admin), listen })).toEqual(at === undefined ? [] : [fault]);
});

describe("is a fault that says so", () => {
  test.each<[string, unknown, RegExp]>([
    ["true in place of options", true, /^admin: .*an object of options/],
    ["a port that is none", { port: 65536 }, /^admin\.port: .*from 0 to 65535/],
    ["an address with its port", { host: "127.0.0.1:9901" }, /^admin\.host: /],
    [
      "all addresses without a token",
      { host: "0.0.0.0" },
      /^admin\.host: .*a token beside this host.*Others than this machine/,
    ],
    ["a name of the machine without a token", { host: "gate.internal" }, /^admin\.host: .*a token beside this host/],
    ["a token in the config", { token: "0123456789abcdef" }, /^admin\.token: .*token: env\("ADMIN_TOKEN"\)/],
    ["a token that can be guessed", { token: env("SHORT") }, /^admin\.token: .*16 or more/],
    ["a token with a blank", { token: env("BLANK") }, /^admin\.token: .*without blanks/],
    ["a token that is not there", { token: env("NONE") }, /^admin\.token: .*NONE/],
    [
      "a socket beside a port",
      { socket: "a.sock", port: 9901 },
      /^admin\.socket: .*or a port and a host.*Leave out one/,
    ],
    ["a socket beside a host", { socket: "a.sock", host: "0.0.0.0" }, /^admin\.socket: .*or a port and a host/],
    ["a socket without a path", { socket: "" }, /^admin\.socket: .*the path of a Unix socket/],
    ["a folder for a socket", { socket: "/run/sluice/" }, /^admin\.socket: .*the path of a Unix socket/],
    ["a path that no socket can have", { socket: `/${"é".repeat(54)}` }, /^admin\.socket: .*at most 107 bytes/],
    ["a file without a path", { revokedKeys: "" }, /^admin\.revokedKeys: .*the path of a file/],
    ["a folder for a file", { revokedKeys: "/var/lib/" }, /^admin\.revokedKeys: .*the path of a file/],
    ["a number for a socket", { socket: 9901 }, /^admin\.socket: .*the path of a Unix socket/],
    ["a name with its port", { names: ["gate:9901"] }, /^admin\.names\.0: .*without scheme and port/],
    ["a name in place of names", { names: "gate" }, /^admin\.names: .*a list of host names/],
    ["an unknown option", { prot: 1 }, /Did you mean "port"\?$/],
  ])("%s", (_, admin, message) => {
    const lines = faultLines(withAdmin(admin), world);
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    expect(lines[0]!).not.toContain("0123456789");
  });
});
