// The admin listener beside what serves: opened before it, closed after it.
import { openAdmin, type Admin } from "../admin/admin.ts";
import type { Overseen } from "../admin/overseen.ts";
import type { Plan } from "../config/plan.ts";
import { messageOf } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Platform } from "../platform.ts";
import type { BunPlatform } from "../platforms/bun.ts";
import type { Metrics } from "../record/metrics.ts";
import { RevokedFileFault } from "../revoked-file.ts";
import { EXIT, Refusal } from "./exit.ts";
import { listenRefusal } from "./listen-refusal.ts";
import { WITHOUT_REVOKED } from "./revoked-check.ts";
import { listenAtPath, pathRefusal } from "./socket-path.ts";
import type { Serving } from "./serving.ts";
import type { Terminal } from "./terminal.ts";
import { urlOf } from "./url-of.ts";

/** What of the process is overseen, whoever serves. */
export type MoreOverseen = Pick<Overseen, "build" | "loads" | "reload" | "upgrade" | "page" | "placeOf">;

/** How long a question may go on once all else has ended: the answer to what has ended it is on its way. */
const LAST_MS = 1000;

/** What is overseen where one gateway serves in this thread. */
export function overseenIn(gateway: Gateway, metrics: Metrics, more: MoreOverseen): Overseen {
  return {
    metrics: () => metrics,
    look: () => ({ metrics, seen: [gateway.look() ?? []].flat() }),
    obstacles: () => gateway.obstacles(),
    targets: gateway.targets,
    limits: gateway.limits,
    keys: gateway.keys!,
    verbosity: gateway.verbosity,
    plan: () => gateway.plan,
    ...more,
  };
}

/**
 * Opens the admin listener, if the plan has one, and reports where it is. What serves closes it when it has ended:
 * until then it answers how far that has come. @throws Refusal when it cannot listen
 */
export async function withAdmin(
  serving: Serving,
  plan: Plan,
  overseen: Overseen,
  platform: Platform & Partial<Pick<BunPlatform, "forAdmin">>,
  terminal: Terminal,
): Promise<Serving> {
  if (plan.admin === undefined) return serving;
  const { socket, revokedKeys } = plan.admin;
  try {
    overseen.keys.load();
  } catch (error) {
    const place = error instanceof RevokedFileFault ? `${revokedKeys}:${error.line}:${error.column}` : revokedKeys;
    const message = `admin.revokedKeys: ${place} cannot be used: ${messageOf(error)}.`;
    throw new Refusal(EXIT.config, message, { hint: WITHOUT_REVOKED });
  }
  const admin = await open(plan.admin, overseen, platform.forAdmin ?? platform);
  platform.forAdmin?.listening.closeRest();
  const { host, port } = admin.address;
  terminal.err(`sluice: admin on ${socket === undefined ? urlOf(host, port) : `unix:${socket}`}`);
  let left: Promise<void> | undefined;
  const closing = async <T>(ended: Promise<T>): Promise<T> => {
    try {
      return await ended;
    } finally {
      if (left !== undefined) await Promise.race([left, new Promise((resolve) => setTimeout(resolve, LAST_MS))]);
      admin.close();
    }
  };
  const { handing } = serving;
  return {
    handing: handing && {
      sockets: () => handing.sockets(),
      accept: (accepts) => handing.accept(accepts),
      get counts() {
        return handing.counts;
      },
      tell: (told) => handing.tell(told),
      add: (counted) => handing.add(counted),
      orders: () => handing.orders(),
      obey: (orders) => handing.obey(orders),
      begin: () => handing.begin(),
      letGo() {
        handing.letGo();
        left = admin.drain();
      },
    },
    get shutdown() {
      return serving.shutdown;
    },
    swap: (config) => serving.swap(config),
    drain: (delayMs) => closing(serving.drain(delayMs)),
    end: () => closing(serving.end()),
    reopenLogs: () => serving.reopenLogs(),
    isAlive: () => serving.isAlive(),
  };
}

async function open(
  admin: NonNullable<Plan["admin"]>,
  overseen: Overseen,
  platform: Platform & Partial<Pick<BunPlatform, "listening">>,
): Promise<Admin> {
  try {
    const isHanded = platform.listening?.has({ path: admin.socket, host: "", port: 0 }) === true;
    const listen = (): Admin => openAdmin(admin, overseen, platform);
    if (admin.socket === undefined || isHanded) return listen();
    return await listenAtPath(admin.socket, listen);
  } catch (error) {
    if (admin.socket !== undefined) throw pathRefusal(error, admin.socket);
    throw listenRefusal(error, admin.host, admin.port, "admin.port in the config");
  }
}
