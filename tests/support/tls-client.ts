// A client that speaks TLS to the gateway, and tells what came of the handshake.
import tls from "node:tls";
import { within } from "./deadline.ts";
import { RawClient } from "./raw-client.ts";

/** A connection over TLS. */
export interface SecureConnection {
  readonly client: RawClient;
  readonly socket: tls.TLSSocket;
  /** Common name of the certificate that the gateway has shown. */
  readonly shown: string;
}

/** Connects to 127.0.0.1 and trusts anybody; rejects with the alert or the code of a handshake that fails. */
export function connectSecurely(port: number, options: tls.ConnectionOptions = {}): Promise<SecureConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<SecureConnection>();
  const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }, () => {
    const shown = String(socket.getPeerCertificate().subject.CN);
    resolve({ client: new RawClient(socket), socket, shown });
  });
  socket.once("error", reject);
  return within(promise, "a handshake");
}
