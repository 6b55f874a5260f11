// TLS of a listener on Bun: which certificate a client gets, and how others take their place while it listens.
import { constants } from "node:crypto";
import tls from "node:tls";
import type { ServerTls } from "../platform.ts";
import { revocationsIn } from "./certificate.ts";
import { certificateOf } from "./server-name.ts";

/** The contexts of a listener: what a client gets that names a host. */
export class ServerContexts {
  #of: (name: string) => object | undefined;
  #http2: boolean;

  constructor(wanted: ServerTls) {
    this.#of = contextsOf(wanted);
    this.#http2 = wanted.http2;
  }

  /**
   * The context for a name that a client has sent (SNI); undefined for the listener's own. It stands in the listener's
   * handlers as `serverName`, the hook that Bun's own `node:tls` uses: the types lack it.
   */
  readonly serverName = (_: unknown, name: string): object | undefined => this.#of(name);

  /**
   * What is taken of the protocols that a client offers (ALPN), in their form on the wire: by its own order of preference,
   * which is `false`, or HTTP/1.1 alone, which a client that does not offer it cannot do with. Bun's `node:tls` uses this
   * hook, too.
   */
  readonly alpnCallback = (): false | "http/1.1" => (this.#http2 ? false : "http/1.1");

  /** Makes others ready for this listener; see ListeningSocket. */
  renewal(listener: object, wanted: ServerTls): () => void {
    const next = contextsOf(wanted);
    const own = secureOptions(wanted, 0);
    return () => {
      // `tls.Server` knows how to give its listener another context of its own: it is lent this one.
      const lent = Object.assign(new tls.Server(clientsOf(wanted)), { _handle: listener });
      lent.setSecureContext(own);
      this.#of = next;
      this.#http2 = wanted.http2;
    };
  }
}

/** Bun's `tls` for a listener: what holds for clients that name no host. */
export function ownTls(wanted: ServerTls): Bun.TLSOptions {
  // Lengths and names, the best first (RFC 7301 section 3.1); see `alpnCallback`.
  return { ...secureOptions(wanted, 0), ALPNProtocols: Buffer.from("\x02h2\x08http/1.1") };
}

function contextsOf(wanted: ServerTls): (name: string) => object | undefined {
  const { certificates, awaited = [] } = wanted;
  // Bun's class hides what the handshake takes in `context`. The last one is for names that have no certificate yet: a
  // handshake without one ends in an alert.
  const contexts = [...certificates, undefined].map(
    (_, i) => tls.createSecureContext(secureOptions(wanted, i)).context as object,
  );
  const indexOf = certificateOf([...certificates, { names: awaited }]);
  return (name) => contexts[indexOf(name)];
}

/** What both `Bun.listen` and `node:tls` take. */
interface SecureOptions extends ClientOptions {
  readonly cert?: string;
  readonly key?: string;
  readonly secureOptions?: number;
}

interface ClientOptions {
  readonly ca?: string;
  readonly crl?: string[];
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
}

function secureOptions(wanted: ServerTls, index: number): SecureOptions {
  const certificate = wanted.certificates[index];
  const shown = certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key };
  const newest = wanted.minVersion === "1.3" ? { secureOptions: constants.SSL_OP_NO_TLSv1_2 } : {};
  return { ...shown, ...clientsOf(wanted), ...newest };
}

function clientsOf({ clients }: ServerTls): ClientOptions {
  if (clients === undefined) return {};
  const { ca, crl, required } = clients;
  // Bun reads the first list of a text.
  return {
    ca,
    requestCert: true,
    rejectUnauthorized: required,
    ...(crl === undefined ? {} : { crl: revocationsIn(crl) }),
  };
}
