// What the operator is told of a fetch that failed: what happened, and nothing of what the runtime tells programmers.
import { expect, test } from "bun:test";
import { reasonOf } from "../../src/http/fetch-text.ts";
import { closedPort } from "../support/closed-port.ts";

/** Why a fetch from this port fails. */
async function failure(port: number): Promise<string> {
  return reasonOf(await fetch(`http://127.0.0.1:${port}/`).catch((thrown: unknown) => thrown));
}

test("where nobody listens", async () => {
  expect(await failure(closedPort())).toBe("ECONNREFUSED: Unable to connect");
});

test("where there is no such socket", async () => {
  const asked = fetch("http://localhost/", { unix: "/nowhere/at.sock" });
  expect(reasonOf(await asked.catch((thrown: unknown) => thrown))).toBe("ENOENT");
});

test("where the connection breaks off", async () => {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket) => void socket.end() },
  });
  expect(await failure(server.port)).toBe("ECONNRESET: The socket connection was closed unexpectedly");
  server.stop(true);
});
