// Connections to targets through node:net and node:tls, which Deno has too: they know what Deno.connect does not.
import net from "node:net";
import tls from "node:tls";
import type { ClientTls, ConnectHandler, Connecting, ConnectOptions } from "../platform.ts";
import { NodeSocket } from "./node-socket.ts";
import { socketErrorOf } from "./socket-error.ts";
import { SocketValve } from "./tls-valve.ts";

/**
 * Opens a connection. Beside what Deno.connect can do: authorities instead of the built-in ones, a name for SNI that is
 * not the host, a client certificate together with both, `verify: false` for one connection, and a reset.
 */
export function connect({ host, port, tls: wanted }: ConnectOptions, handler: ConnectHandler): Connecting {
  let settled = false;
  let secure: tls.TLSSocket | undefined;
  const plain = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
  const end = (): void => {
    settled = true;
    secure?.destroy();
    plain.destroy();
  };
  const failed = (thrown: unknown): void => {
    if (settled) return;
    end();
    handler.failed(socketErrorOf(thrown));
  };
  const connected = (socket: NodeSocket): void => {
    if (settled) return;
    settled = true;
    handler.connected(socket);
  };
  /** What is heard of it stays for the whole life of the connection: an error without a listener would end the process. */
  const watch = (socket: net.Socket): void => {
    socket.on("error", failed);
    socket.once("close", () => failed(Object.assign(new Error("closed while connecting"), { code: "ECONNRESET" })));
  };
  watch(plain);
  plain.once("connect", () => {
    if (settled) return;
    if (wanted === undefined) return connected(new NodeSocket(plain, false));
    const valve = new SocketValve(plain);
    try {
      // The types lack `allowHalfOpen` of connections.
      const options: tls.ConnectionOptions & { allowHalfOpen: true } = { socket: valve, allowHalfOpen: true };
      secure = tls.connect({ ...options, ...nodeTlsOptions(wanted) });
    } catch (thrown) {
      // A certificate or key that cannot be read.
      return failed(thrown);
    }
    const socket = secure;
    // Node takes a reset beneath for an end.
    valve.once("error", (error) => socket.destroy(error));
    watch(socket);
    socket.once("secureConnect", () => connected(new NodeSocket(socket, true, valve)));
  });
  return {
    abort() {
      if (!settled) end();
    },
  };
}

/** Options of `node:tls` for a connection. */
export function nodeTlsOptions(wanted: ClientTls): tls.ConnectionOptions {
  const { serverName } = wanted;
  return {
    // An IP literal is never sent as SNI (RFC 6066 section 3), but it is held against the certificate.
    servername: net.isIP(serverName) === 0 ? serverName : "",
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
    rejectUnauthorized: wanted.verify,
    ...(wanted.ca === undefined ? {} : { ca: wanted.ca }),
    ...(wanted.cert === undefined ? {} : { cert: wanted.cert }),
    ...(wanted.key === undefined ? {} : { key: wanted.key }),
  };
}
