// A server that takes what is written to it: a receiver of syslog over a stream.
import net from "node:net";

/** A receiver at a port of 127.0.0.1, or at a path. */
export interface StreamReceiver {
  readonly port: number;
  /** All that has come, a character a byte. */
  readonly text: string;
  /** How many connections there have been. */
  readonly connections: number;
  /** Whether connections that come from now on are not read. */
  stands: boolean;
  /** All connections are read again. */
  goOn(): void;
  /** Connections are cut. */
  cut(): void;
  close(): Promise<void>;
}

/** Makes it. @param server that of TLS, where it is spoken */
export async function streamReceiver(
  { port = 0, path }: { port?: number; path?: string } = {},
  server: net.Server = net.createServer(),
): Promise<StreamReceiver> {
  const sockets = new Set<net.Socket>();
  let text = "";
  let connections = 0;
  const receiver = {
    stands: false,
    port,
    get text() {
      return text;
    },
    get connections() {
      return connections;
    },
    goOn() {
      for (const socket of sockets) socket.resume();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      receiver.cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on(
    server.constructor.name === "Server" && "setSecureContext" in server ? "secureConnection" : "connection",
    (socket: net.Socket) => {
      connections++;
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
      socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
      if (receiver.stands) socket.pause();
    },
  );
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(port, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  receiver.port = (server.address() as net.AddressInfo | null)?.port ?? 0;
  return receiver;
}

/** The messages in a text, each behind its length (RFC 6587 section 3.4.1); one that has not come whole is left out. */
export function frames(text: string): string[] {
  const messages: string[] = [];
  for (let at = 0; at < text.length;) {
    const blank = text.indexOf(" ", at);
    const length = Number(text.slice(at, blank));
    if (blank < 0 || text.length < blank + 1 + length) break;
    messages.push(text.slice(blank + 1, blank + 1 + length));
    at = blank + 1 + length;
  }
  return messages;
}
