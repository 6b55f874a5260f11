// The admin listener: a way of its own, with few steps, on the same kind of listener as the gateway's.
import type { AdminPlan, ListenPlan } from "../config/plan.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Answer, Exchange, Way } from "../exchange.ts";
import { Deadlines } from "../http/deadlines.ts";
import { Tally } from "../http/tally.ts";
import { readPath } from "../listen/arrive.ts";
import { Listener } from "../listen/listener.ts";
import type { Platform } from "../platform.ts";
import { problemAnswer } from "../respond/problem.ts";
import { admission } from "./access.ts";
import { type Act, ACTS, type Overseen } from "./acts.ts";
import { Live } from "./live/live.ts";

/** Bounds for those who ask about the gateway: they are few. */
const BOUNDS = {
  trustedProxies: [],
  maxTarget: 8192,
  maxHead: 16_384,
  headMs: 10_000,
  keepAliveMs: 75_000,
  bodyMs: 30_000,
  sendMs: 30_000,
  halfClose: "answer",
  maxConnections: 256,
  tls: undefined,
} as const satisfies Partial<ListenPlan>;

/** An open admin listener. */
export interface Admin {
  readonly address: { readonly host: string; readonly port: number };
  /** Closes it with all its connections. */
  close(): void;
}

/**
 * Opens the admin listener.
 * @param name of the gateway
 * @throws SocketError (EADDRINUSE, EACCES, …)
 */
export function openAdmin(plan: AdminPlan, name: string, overseen: Overseen, platform: Platform): Admin {
  const way = adminWay(plan, name, overseen, platform);
  const bounds = { ...BOUNDS, socket: plan.socket, port: plan.port, host: plan.host };
  const listener = new Listener(bounds, way, new Tally(), platform, new Deadlines(platform));
  return { address: listener.address, close: () => void listener.cut() };
}

/** The way of a question: who asks, what for, and the answer. Nothing is recorded of it. */
function adminWay(plan: AdminPlan, name: string, overseen: Overseen, platform: Platform): Way {
  const admit = admission(plan, platform);
  const live = new Live(name, overseen, platform);
  const paths = actsByPath();
  const actOf = (x: Exchange): Act => {
    readPath(x);
    const acts = paths.get(x.path);
    admit(x, acts?.open === true);
    if (acts === undefined) throw new GatewayError("route_not_found", `nothing is at ${x.path}`);
    const act = acts.byMethod.get(x.method === "HEAD" ? "GET" : x.method);
    if (act !== undefined) return act;
    const methods = [...acts.byMethod.keys()].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    throw new GatewayError("method_not_allowed", `${x.path} takes ${methods.join(", ")}`, {
      fields: [["Allow", methods.join(", ")]],
    });
  };
  const answerTo = async (x: Exchange): Promise<Answer> => actOf(x)(x, overseen, live);
  const refuse = (x: Exchange, thrown: unknown): Answer => {
    x.error = toGatewayError(thrown);
    if (x.error.fault !== "client") platform.notice("error", `admin: ${x.path}: ${x.error.message}`);
    return problemAnswer(x.error, x, name);
  };
  return {
    travel(x, send) {
      x.id = platform.uuid();
      void answerTo(x).then(send, (thrown: unknown) => send(refuse(x, thrown)));
    },
    refuse,
    finish() {},
  };
}

/** What is at a path. */
interface Acts {
  readonly byMethod: ReadonlyMap<string, Act>;
  readonly open: boolean;
}

function actsByPath(): ReadonlyMap<string, Acts> {
  const paths = new Map<string, Acts & { readonly byMethod: Map<string, Act> }>();
  for (const [key, { act, open = false }] of Object.entries(ACTS)) {
    const [method = "", path = ""] = key.split(" ");
    const acts = paths.get(path) ?? { byMethod: new Map<string, Act>(), open };
    acts.byMethod.set(method, act);
    paths.set(path, acts);
  }
  return paths;
}
