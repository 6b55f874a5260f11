// The promises of the Socket contract (src/platform.ts), once for all runtimes that lend sockets.
import { OF_CONNECTING, OF_LISTENING, OF_TLS } from "./connect-promises.ts";
import { check, closeAll, isSecure, type Kit } from "./contract-kit.ts";
import { OF_EVERY_SOCKET, OF_PLAIN_SOCKETS } from "./socket-promises.ts";

/** One promise, by name. */
export interface SocketPromise {
  readonly name: string;
  readonly needsTls: boolean;
  /** Runtimes that cannot keep it, and why. */
  readonly except: Readonly<Partial<Record<"bun" | "deno", string>>>;
  readonly holds: (kit: Kit) => Promise<void>;
}

/** What a runtime cannot do, by the promise's full name. */
const EXCEPT: Readonly<Record<string, SocketPromise["except"]>> = {
  "connected: a reset is told also while the socket is paused": {
    deno: "its node:net tells it once the socket is resumed or written to",
  },
  "connected: a peer that is gone behind its FIN is closed with an error once something was sent to it": {
    deno: "its node:net tells it at the next write",
  },
};

/** All promises, in order. */
export const SOCKET_PROMISES: readonly SocketPromise[] = [
  ...(["accepted", "accepted tls", "connected", "tls"] as const).flatMap((side) =>
    Object.entries(OF_EVERY_SOCKET).map(([name, holds]) =>
      promise(`${side}: ${name}`, isSecure(side), (kit) => holds(kit, side)),
    ),
  ),
  ...(["accepted", "connected"] as const).flatMap((side) =>
    Object.entries(OF_PLAIN_SOCKETS).map(([name, holds]) =>
      promise(`${side}: ${name}`, false, (kit) => holds(kit, side)),
    ),
  ),
  ...Object.entries(OF_CONNECTING).map(([name, holds]) => promise(`connect: ${name}`, false, holds)),
  ...Object.entries(OF_LISTENING).map(([name, holds]) => promise(`listen: ${name}`, false, holds)),
  ...Object.entries(OF_TLS).map(([name, holds]) => promise(`TLS: ${name}`, true, holds)),
];

function promise(name: string, needsTls: boolean, holds: (kit: Kit) => Promise<void>): SocketPromise {
  return {
    name,
    needsTls,
    except: EXCEPT[name] ?? {},
    async holds(kit) {
      let wrong: string[] = [];
      try {
        await holds(kit);
      } finally {
        wrong = closeAll();
      }
      check(wrong.length === 0, `told at a wrong moment: ${wrong.join("; ")}`);
    },
  };
}
