// Why the gateway could not listen, in one message that says what to do.
import type { Plan } from "../config/plan.ts";
import { messageOf } from "../errors.ts";
import { EXIT, Refusal, systemCode } from "./exit.ts";

/** How to take another port. */
const ANOTHER = "listen.port in the config, --port or SLUICE_PORT";

/**
 * The refusal for what `listen` threw: 77 when it is not permitted, else 71.
 * @param another how to take another port
 */
export function listenRefusal(error: unknown, host: string, listenPort: number, another = ANOTHER): Refusal {
  // A gateway has two ports where one leads to https.
  const { port = listenPort } = error as { port?: number };
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return new Refusal(EXIT.os, `Cannot listen on ${address}: another process listens there.`, {
        hint: `Find it with: ss -ltnp 'sport = :${port}'\nOr take another port: ${another}.`,
      });
    case "EACCES":
      return new Refusal(EXIT.permission, `Cannot listen on ${address}: not permitted.`, {
        hint:
          port < 1024
            ? "Ports below 1024 need a privilege: in the unit of systemd AmbientCapabilities=CAP_NET_BIND_SERVICE, or once\n" +
              `setcap cap_net_bind_service=+ep ${process.execPath}. Or take a port from 1024 on.`
            : undefined,
      });
    case "EADDRNOTAVAIL":
      return new Refusal(EXIT.os, `Cannot listen on ${address}: this machine has no such address.`, {
        hint: "ip address lists the addresses it has. 0.0.0.0 takes all of IPv4, :: takes IPv6 too.",
      });
    default:
      return new Refusal(EXIT.os, `Cannot listen on ${address}: ${messageOf(error)}.`);
  }
}

/** Opens what listens where a plan says. @throws Refusal when it cannot */
export function listenOrRefuse<T>({ listen: { host, port } }: Plan, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw listenRefusal(error, host, port);
  }
}
