// Why HTTP/3 is not spoken (docs/http3.md): over that of the runtime an answer that breaks off looks whole. When a test here
// fails, the runtime has changed, and the page is to be thought over.
import { describe, expect, test } from "bun:test";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";

/** What Bun's client hears of a body that says "partial", and then ends or fails. */
async function heardOf(end: (stream: ReadableStreamDefaultController) => void): Promise<object> {
  const { cert, key } = certificates().local;
  const heard = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async start(stream) {
      stream.enqueue(new TextEncoder().encode("partial"));
      await heard.promise;
      end(stream);
    },
  });
  const server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, tls: { cert, key }, http3: true, http1: false },
    fetch: () => new Response(body, { headers: { "Content-Length": "1000" } }),
  });
  try {
    const url = `https://127.0.0.1:${server.port}/`;
    const answer = await fetch(url, { protocol: "http3", tls: { rejectUnauthorized: false } });
    const length = answer.headers.get("content-length");
    const reader = answer.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value as Uint8Array);
    heard.resolve();
    const next = await reader.read().then(
      ({ done }) => (done ? "the end" : "more"),
      () => "broken",
    );
    return { length, first, next };
  } finally {
    await server.stop(true);
  }
}

describe.skipIf(missing("openssl") !== undefined)("HTTP/3 of the runtime", () => {
  test("ends a body that is shorter than its Content-Length as one that is complete", async () => {
    expect(await heardOf((stream) => stream.close())).toEqual({ length: null, first: "partial", next: "the end" });
  });

  test("ends a body that fails as one that is complete", async () => {
    expect(await heardOf((stream) => stream.error("the target is gone"))).toEqual({
      length: null,
      first: "partial",
      next: "the end",
    });
  });
});
