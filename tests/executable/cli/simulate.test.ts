// `sluice simulate`, as the executable prints it.
import { afterAll, expect, test } from "bun:test";
import { cleanUp, folderWith, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const LOG = [0, 1, 2]
  .map((second) => `{"time":"2026-01-01T00:00:0${second}.000Z","duration":0,"client.address":"10.0.0.1"}\n`)
  .join("");

test("reads a file or standard input, and tells people and machines the same", async () => {
  const cwd = folderWith({ "access.log": `not a line of a log\n${LOG}` });
  const text = await sluice(["simulate", "--log=access.log", "--limit=2/1m"], { cwd });
  expect(text).toEqual({
    code: 0,
    stdout: [
      "2/1m by address would have refused 1 of 3 requests",
      "",
      "ADDRESS   REFUSED  OF  FIRST AT",
      "10.0.0.1  1        3   2026-01-01T00:00:02.000Z",
      "",
    ].join("\n"),
    stderr: "",
  });
  const json = await sluice(["simulate", "--log=-", "--limit=2/1m", "--json"], { cwd, input: LOG });
  expect(JSON.parse(json.stdout)).toMatchObject({ requests: 3, refused: 1, callers: [{ caller: "10.0.0.1" }] });
});

test("a file that is no access log: 66, and an empty one is one without requests", async () => {
  const cwd = folderWith({
    "combined.log": '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 2\n',
    empty: "",
  });
  const { code, stderr } = await sluice(["simulate", "--log=combined.log", "--limit=2/1m"], { cwd });
  expect([code, stderr]).toEqual([66, expect.stringContaining("combined.log has no line of an access log.\n  It is")]);
  expect((await sluice(["simulate", "--log=empty", "--limit=2/1m"], { cwd })).code).toBe(0);
});

test("a log that is not there: 66", async () => {
  const { code, stderr } = await sluice(["simulate", "--log=gone.log", "--limit=2/1m"], { cwd: folderWith({}) });
  expect(stderr).toContain("gone.log cannot be read");
  expect(code).toBe(66);
});
