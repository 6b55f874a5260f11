// `sluice logs`: lines for people, conditions, a file that grows and is moved, and whatever else stands in a log.
import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../support/deadline.ts";
import { gatewayCommand } from "../../support/executable.ts";
import { sluice } from "./run-sluice.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-logs-"));
afterAll(() => rmSync(folder, { recursive: true }));

function line(path: string, status: number, seconds: number, route: string, consumer?: string): string {
  return JSON.stringify({
    time: "2026-11-25T10:00:00.123Z",
    level: "info",
    msg: "exchange",
    request_id: "1",
    "http.request.method": "GET",
    "url.path": path,
    "http.response.status_code": status,
    duration: seconds,
    "sluice.route": route,
    ...(consumer !== undefined && { "sluice.consumer": consumer }),
    ...(status === 502 && { "error.type": "connection_refused", "sluice.error.detail": "nobody there" }),
  });
}

const LINES = [
  line("/a", 200, 0.001, "orders", "acme"),
  line("/b", 404, 0.25, "orders"),
  line("/c", 502, 0.002, "users", "acme"),
  line("/d", 503, 1.5, "users", "zeta"),
];
const INPUT = LINES.map((each) => `${each}\n`).join("");

test("lines of JSON become lines for people", async () => {
  const { code, stdout, stderr } = await sluice(["logs"], { input: INPUT });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const shown = stdout.split("\n");
  expect(shown[0]).toMatch(/^\d\d:\d\d:00\.123 {2}200 {2}GET {5}\/a +1\.0 ms {2}orders$/);
  expect(shown[2]).toContain("connection_refused: nobody there");
  expect(shown).toHaveLength(5);
});

describe("conditions", () => {
  test.each([
    [
      ["--status", "5xx"],
      ["/c", "/d"],
    ],
    [["--status=404,503"], ["/b", "/d"]],
    [
      ["--route", "orders"],
      ["/a", "/b"],
    ],
    [["--route", "orders,users", "--status", "2xx"], ["/a"]],
    [
      ["--consumer", "acme"],
      ["/a", "/c"],
    ],
    [
      ["--slower", "250ms"],
      ["/b", "/d"],
    ],
    [["--slower", "1s", "--consumer", "acme"], []],
  ])("%p", async (flags, paths) => {
    const { code, stdout } = await sluice(["logs", "-", "--json", ...flags], { input: INPUT });
    expect(code).toBe(0);
    const found = stdout.split("\n").filter((each) => each !== "");
    expect(found).toEqual(LINES.filter((each) => paths.some((path) => each.includes(`"${path}"`))));
  });

  test.each([
    [["--status", "6xx"], "--status is a status such as 404"],
    [["--slower", "250"], "--slower is a duration such as 200ms"],
    [["--follow"], "--follow needs a file"],
    [["--staus", "404"], "Did you mean --status?"],
  ])("%p is refused", async (flags, words) => {
    const { code, stderr } = await sluice(["logs", ...flags], { input: "" });
    expect(code).toBe(64);
    expect(stderr).toContain(words);
  });
});

test("a file that is not there is 66", async () => {
  const { code, stderr } = await sluice(["logs", join(folder, "none.log")]);
  expect(code).toBe(66);
  expect(stderr).toContain("none.log cannot be read");
});

test("the forms ecs and caddy are read too", async () => {
  const ecs =
    '{"@timestamp":"2026-11-25T10:00:00.123Z","event.duration":2000000,"http.response.status_code":500,"url.path":"/e"}';
  const caddy = '{"ts":1795600800.1,"request":{"method":"PUT","uri":"/f?a"},"duration":0.003,"status":501}';
  const { stdout } = await sluice(["logs", "--status=5xx"], { input: `${ecs}\n${caddy}\n` });
  expect(stdout).toMatch(/500.*\/e +2\.0 ms\n.*501 {2}PUT {5}\/f\?a +3\.0 ms/);
});

test("what is none of an access log passes, made harmless; behind a condition it does not", async () => {
  const odd = ["plain text", '{"a":1}', '{"broken', "[1]", "null", "\x1b[31mred", "{".repeat(100_000), '{"time":{}}'];
  const input = `${odd.join("\n")}\n${INPUT}`;
  const all = await sluice(["logs"], { input });
  expect(all.code).toBe(0);
  expect(all.stdout.split("\n")).toHaveLength(odd.length + LINES.length + 1);
  expect(all.stdout).toContain("\\u001b[31mred");
  expect((await sluice(["logs", "--status=2xx"], { input })).stdout.split("\n")).toHaveLength(2);
  expect((await sluice(["logs", "--json"], { input })).stdout).toBe(INPUT);
});

test("colours come and go as the environment says", async () => {
  const colored = await sluice(["logs"], { input: INPUT, env: { FORCE_COLOR: "1" } });
  expect(colored.stdout).toContain("\x1b[");
  expect((await sluice(["logs"], { input: INPUT, env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout).not.toContain(
    "\x1b[",
  );
});

test("--follow goes on with lines that come, also over a move, a cut and a word for gateways, and leaves none out", async () => {
  const file = join(folder, "follow.log");
  const [a, b, c, d] = LINES as [string, string, string, string];
  writeFileSync(file, `${a}\n`);
  const child = Bun.spawn([...gatewayCommand(), "logs", file, "--follow", "--json"], { stdout: "pipe" });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) text += decoder.decode(bytes, { stream: true });
  })();
  try {
    await until(() => text === `${a}\n`, "the first");
    // As `kill -USR2 $(pidof sluice)` sends them, by which the log is opened anew.
    child.kill("SIGUSR2");
    child.kill("SIGUSR1");
    appendFileSync(file, b.slice(0, 20));
    appendFileSync(file, `${b.slice(20)}\n`);
    await until(() => text.endsWith(`${b}\n`), "a line in two pieces");
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, `${c}\n`);
    writeFileSync(file, `${d}\n`);
    await until(
      () => text === [a, b, c, d].map((each) => `${each}\n`).join(""),
      "the last of the old, the first of the new",
    );
    writeFileSync(file, "");
    await until(() => {
      appendFileSync(file, `${a}\n`);
      return text.endsWith(`${a}\n`);
    }, "a line behind the cut");
  } finally {
    child.kill();
    await reading;
  }
});

test("it ends when whoever reads has had enough", async () => {
  const file = join(folder, "long.log");
  writeFileSync(file, INPUT.repeat(5000));
  const command = [...gatewayCommand(), "logs", file, "--json"].join(" ");
  const child = Bun.spawn(["sh", "-c", `${command} | head -n 1`], { stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toBe(`${LINES[0]}\n`);
  expect(await child.exited).toBe(0);
});
