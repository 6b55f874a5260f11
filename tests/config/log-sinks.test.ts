// Where the access log goes, as users write it: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import type { LogSinkPlan } from "../../src/config/log/plan.ts";
import { faultLines, HELLO, planOf } from "./support.ts";

const withLog = (log: object, more: object = {}): object => ({ ...more, routes: { hello: HELLO }, log });

function sinksOf(log: object, more?: object): readonly LogSinkPlan[] {
  const { log: plan } = planOf(withLog(log, more));
  if (plan === false) throw new Error("no log");
  return plan.to;
}

describe("as they are written", () => {
  const call = (): void => undefined;
  const file = (path: string, rotate?: object): object => ({ name: path, kind: "file", path, rotate });
  const udp = { name: "udp://logs.test", kind: "udp", host: "logs.test", port: 514 };

  const streams = [
    ["tcp://logs.test", { kind: "tcp", host: "logs.test", port: 601, tls: undefined }],
    ["tcp://[::1]:514", { kind: "tcp", host: "::1", port: 514, tls: undefined }],
    ["unix-stream:///run/log.sock", { kind: "unix-stream", path: "/run/log.sock" }],
  ] as const;

  test.each([
    ["stdout", { to: "stdout" }, [{ kind: "stdout", format: "auto" }]],
    ["the form of the log", { to: "stdout", format: "caddy" }, [{ kind: "stdout", format: "caddy" }]],
    ["a function", { to: call }, [{ kind: "function", call }]],
    ["a file", { to: { file: "/a.log" } }, [{ kind: "file", to: file("/a.log"), format: "json" }]],
    [
      "the form of the log for a file",
      { to: { file: "/a.log" }, format: "ecs" },
      [{ kind: "file", to: file("/a.log"), format: "ecs" }],
    ],
    [
      "a form for people, which no file has",
      { to: ["stdout", { file: "/a.log" }], format: "pretty" },
      [
        { kind: "stdout", format: "pretty" },
        { kind: "file", to: file("/a.log"), format: "json" },
      ],
    ],
    [
      "rotation",
      { to: { file: "/a.log", rotate: { size: "1MiB" }, format: "combined" } },
      [{ kind: "file", to: file("/a.log", { size: 1_048_576, keep: 5 }), format: "combined" }],
    ],
    [
      "syslog",
      { to: { syslog: "udp://logs.test" } },
      [{ kind: "syslog", to: udp, format: "json", facility: 16, app: "sluice" }],
    ],
    [
      "syslog with all there is",
      { to: { syslog: "udp://[::1]:5514", facility: "local7", app: "edge", format: "common" } },
      [
        {
          kind: "syslog",
          to: { name: "udp://[::1]:5514", kind: "udp", host: "::1", port: 5514 },
          format: "common",
          facility: 23,
          app: "edge",
        },
      ],
    ],
    ...streams.map(
      ([address, to]) =>
        [
          address,
          { to: { syslog: address } },
          [
            {
              kind: "syslog",
              to: { name: address, ...to },
              tls: undefined,
              format: "json",
              facility: 16,
              app: "sluice",
            },
          ],
        ] as const,
    ),
    [
      "a socket",
      { to: { syslog: "unix:///dev/log", facility: "daemon" } },
      [
        {
          kind: "syslog",
          to: { name: "unix:///dev/log", kind: "unix-datagram", path: "/dev/log" },
          format: "json",
          facility: 3,
          app: "sluice",
        },
      ],
    ],
  ])("%s", (_, log, sinks) => expect(sinksOf(log)).toEqual(sinks as LogSinkPlan[]));

  test("syslog over TLS, whose key is nowhere but in the plan of TLS", () => {
    const [sink] = sinksOf({ to: { syslog: "tls://logs.test", tls: { verify: false } } });
    const to = { name: "tls://logs.test", kind: "tcp", host: "logs.test", port: 6514, tls: undefined };
    expect(sink).toMatchObject({ kind: "syslog", to, tls: { verify: false } });
  });

  test("syslog knows the gateway by its name", () => {
    expect(sinksOf({ to: { syslog: "udp://logs.test" } }, { name: "edge" })).toMatchObject([{ app: "edge" }]);
  });
});

describe("what is wrong", () => {
  const rows: [to: unknown, path: string, words: string][] = [
    ["stdut", "log.to", 'Did you mean "stdout"?'],
    [7, "log.to", 'is not "stdout", a function, or an object with one of `file`, `syslog`'],
    [[], "log.to", "is not a list of places where lines go"],
    [["stdout", "stdout"], "log.to.1", "It stands before already"],
    [[{ file: "a" }, "stdout", { file: "a", format: "ecs" }], "log.to.2", "It stands before already"],
    [{ file: "" }, "log.to.file", "is not the path of a file"],
    [{ file: "logs/" }, "log.to.file", "is not the path of a file"],
    [{ fiel: "a" }, "log.to.fiel", 'Did you mean "file"?'],
    [{ file: "a", format: "pretty" }, "log.to.format", 'is not one of "json"'],
    [{ file: "a", rotate: true }, "log.to.rotate", "is not an object of options"],
    [{ file: "a", rotate: {} }, "log.to.rotate.size", "a size such as"],
    [{ file: "a", rotate: { size: "1KiB" } }, "log.to.rotate.size", "a size of at least 64KiB"],
    [{ file: "a", rotate: { size: "1MiB", keep: 0 } }, "log.to.rotate.keep", "is not a whole number from 1 to 999"],
    [{ syslog: "http://a:514" }, "log.to.syslog", 'is not an address such as "udp://logs.example.com:514"'],
    [{ syslog: "tcp://a:65536" }, "log.to.syslog", "is not an address"],
    [{ syslog: "unix-stream://relative" }, "log.to.syslog", "is not an address"],
    [{ syslog: `unix-stream:///${"a".repeat(108)}` }, "log.to.syslog", "is not an address"],
    [{ syslog: "tcp://a", tls: {} }, "log.to.tls", "TLS is spoken at addresses of tls://."],
    [{ syslog: "tls://a", tls: { cert: "a.pem" } }, "log.to.tls.cert", "a.pem"],
    [{ syslog: "udp://a:0" }, "log.to.syslog", "is not an address"],
    [{ syslog: "udp://a/b" }, "log.to.syslog", "is not an address"],
    [{ syslog: "unix://relative" }, "log.to.syslog", "is not an address"],
    [{ syslog: "udp://a", facility: "local8" }, "log.to.facility", 'is not one of "user"'],
    [{ syslog: "udp://a", app: "a b" }, "log.to.app", "is not a name of 1 to 48 printable characters"],
    [{ syslog: "udp://a", file: "b" }, "log.to.file", "is not an option"],
  ];
  test.each(rows)("%p", (to, path, words) => {
    const lines = faultLines(withLog({ to })).filter((line) => line.startsWith(`${path}: `));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(words);
  });
});
