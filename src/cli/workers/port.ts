// The port that several workers listen on: chosen once, and seen to be nobody else's.
import type { ListenPlan } from "../../config/plan.ts";
import { listenRefusal } from "../listen-refusal.ts";

/** An address that workers may take. */
export interface HeldPort {
  /** The address, as the system writes it. */
  readonly host: string;
  /** The TCP port, never 0. */
  readonly port: number;
  /** Lets go of the port; to be called once the workers listen. */
  release(): void;
}

/** The types lack it. */
type Options = Bun.TCPSocketListenOptions & { reusePort: boolean };

/**
 * A port that the system chooses is held until the workers listen. One that the config names is only tried: several
 * listeners on one port would go unnoticed otherwise, another gateway's among them. @throws Refusal
 */
export function holdPort({ host, port }: Pick<ListenPlan, "host" | "port">): HeldPort {
  const options: Options = {
    hostname: host,
    port,
    reusePort: port === 0,
    socket: { open: (socket) => void socket.terminate(), data: () => undefined },
  };
  let listener: Bun.TCPSocketListener;
  try {
    listener = Bun.listen(options);
  } catch (error) {
    throw listenRefusal(error, host, port);
  }
  const held = { host: listener.hostname, port: listener.port };
  if (port !== 0) listener.stop(true);
  return { ...held, release: () => listener.stop(true) };
}
