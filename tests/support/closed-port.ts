// A port of 127.0.0.1 that refuses connections.

/** The system chose it a moment ago and it was closed again: nobody else has it in any likelihood. */
export function closedPort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
