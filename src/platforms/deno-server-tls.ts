// TLS of a listener on Deno: node:tls speaks it over connections that Deno accepts, and takes the certificate by the name asked for.
import tls from "node:tls";
import type { ServerTls } from "../platform.ts";
import type { DenoConn } from "./deno-api.ts";
import { NodeSocket } from "./node-socket.ts";
import { certificateOf } from "./server-name.ts";
import { ConnValve } from "./tls-valve.ts";

/** Undefined for a name that has no certificate yet. */
type Contexts = (name: string) => tls.SecureContext | undefined;

/** The certificates of a listener. Deno.listenTls knows one, for ever. */
export class DenoServerTls {
  #of: Contexts;
  #protocols: string[];

  /** @throws Error for what TLS cannot be made of */
  constructor(wanted: ServerTls) {
    this.#of = contextsOf(wanted);
    this.#protocols = protocolsOf(wanted);
  }

  /** A socket whose client is to speak TLS. It tells its owner when that is so. */
  over(conn: DenoConn): NodeSocket {
    const options: tls.TLSSocketOptions = {
      isServer: true,
      secureContext: this.#of(""),
      ALPNProtocols: this.#protocols,
      SNICallback: (name, give) => {
        const context = this.#of(name);
        give(context === undefined ? new Error("no certificate has this name yet") : null, context);
      },
    };
    // The types lack `allowHalfOpen` of sockets.
    const valve = new ConnValve(conn);
    const raw = new tls.TLSSocket(valve, { ...options, allowHalfOpen: true } as tls.TLSSocketOptions);
    // Node takes a reset beneath for an end.
    valve.once("error", (error) => raw.destroy(error));
    const socket = new NodeSocket(raw, true, valve);
    raw.once("secure", () => {
      socket.protocol = raw.alpnProtocol || "";
      socket.handler.secured?.();
    });
    return socket;
  }

  /** Makes others ready; see ListeningSocket. */
  renewal(wanted: ServerTls): () => void {
    const next = contextsOf(wanted);
    return () => {
      this.#of = next;
      this.#protocols = protocolsOf(wanted);
    };
  }
}

/** The best first (RFC 7301 section 3.1). */
function protocolsOf({ http2 }: ServerTls): string[] {
  return http2 ? ["h2", "http/1.1"] : ["http/1.1"];
}

function contextsOf({ certificates, awaited = [], minVersion, clients }: ServerTls): Contexts {
  if (clients !== undefined) throw new Error("Deno asks no clients for certificates");
  const contexts = certificates.map(({ cert, key }) =>
    tls.createSecureContext({ cert, key, minVersion: minVersion === "1.3" ? "TLSv1.3" : "TLSv1.2" }),
  );
  const indexOf = certificateOf([...certificates, { names: awaited }]);
  return (name) => contexts[indexOf(name)];
}
