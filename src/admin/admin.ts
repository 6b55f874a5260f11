// The admin listener: a way of its own, with few steps, on the same kind of listener as the gateway's.
import { Answer } from "../answer.ts";
import type { AdminPlan, ListenPlan } from "../config/plan.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Exchange, Way } from "../exchange.ts";
import { Deadlines } from "../http/deadlines.ts";
import { Fields } from "../http/fields.ts";
import { Tally } from "../http/tally.ts";
import { readPath } from "../listen/arrive.ts";
import { Listener } from "../listen/listener.ts";
import type { Platform } from "../platform.ts";
import { problemAnswer } from "../respond/problem.ts";
import { admission } from "./access.ts";
import { ACTS } from "./acts.ts";
import { contentIn, namedIn } from "./asked.ts";
import { Live } from "./live/live.ts";
import type { Offer } from "./offer.ts";
import type { Overseen } from "./overseen.ts";
import { PAGE_FILES, pageFile } from "./page-files.ts";

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
  http2: undefined,
} as const satisfies Partial<ListenPlan>;

/** An open admin listener. */
export interface Admin {
  readonly address: { readonly host: string; readonly port: number };
  /** Accepts no more, and lets those finish who ask; resolves once they have. */
  drain(): Promise<void>;
  /** Closes it with all its connections. */
  close(): void;
}

/**
 * Opens the admin listener. It is called what the plan that runs is called.
 * @throws SocketError (EADDRINUSE, EACCES, …)
 */
export function openAdmin(plan: AdminPlan, overseen: Overseen, platform: Platform): Admin {
  const way = adminWay(plan, overseen, platform);
  const bounds = { ...BOUNDS, socket: plan.socket, port: plan.port, host: plan.host };
  const listener = new Listener(bounds, way, new Tally(), platform, new Deadlines(platform));
  return { address: listener.address, drain: () => listener.drain(), close: () => void listener.cut() };
}

/** With every answer: where the listener is documented (RFC 8631). */
const SERVICE_DESC: readonly [string, string] = ["Link", '</openapi.json>; rel="service-desc"'];

/** The way of a question: who asks, what for, and the answer. Nothing is recorded of it. */
function adminWay(plan: AdminPlan, overseen: Overseen, platform: Platform): Way {
  const admit = admission(plan, platform);
  const live = new Live(overseen, platform);
  const places = placesByPath();
  const answerTo = async (x: Exchange): Promise<Answer> => {
    readPath(x);
    const place = places.get(x.path);
    admit(x, place?.open === true);
    if (place === undefined) throw new GatewayError("route_not_found", `nothing is at ${x.path}`);
    if (x.method === "OPTIONS") return new Answer(204, undefined, Fields.of(["Allow", place.allow]), null);
    const offer = place.byMethod.get(x.method === "HEAD" ? "GET" : x.method);
    if (offer === undefined) {
      const fields = [["Allow", place.allow] as const];
      throw new GatewayError("method_not_allowed", `${x.path} takes ${place.allow}`, { fields });
    }
    const named = namedIn(x, offer);
    return offer.act({ x, named, content: await contentIn(x, offer), overseen, live });
  };
  const refuse = (x: Exchange, thrown: unknown): Answer => {
    x.error = toGatewayError(thrown);
    if (x.error.fault !== "client") platform.notice("error", `admin: ${x.path}: ${x.error.message}`);
    return problemAnswer(x.error, x, overseen.plan().name);
  };
  return {
    travel(x, send) {
      x.id = platform.ids.next();
      void answerTo(x)
        .catch((thrown: unknown) => refuse(x, thrown))
        .then((answer) => {
          answer.fields.add(...SERVICE_DESC);
          send(answer);
        });
    },
    refuse,
    finish() {},
  };
}

/** What is at a path. */
interface Place {
  readonly byMethod: ReadonlyMap<string, Offer>;
  readonly open: boolean;
  /** The methods that it takes. */
  readonly allow: string;
}

function placesByPath(): ReadonlyMap<string, Place> {
  const offers = new Map<string, Map<string, Offer>>();
  for (const [key, offer] of [...Object.entries(ACTS), ...pageOffers()]) {
    const [method = "", path = ""] = key.split(" ");
    offers.set(path, new Map([...(offers.get(path) ?? []), [method, offer]]));
  }
  return new Map(
    Array.from(offers, ([path, byMethod]) => {
      const methods = [...byMethod.keys()].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
      const open = [...byMethod.values()].every(({ open }) => open === true);
      return [path, { byMethod, open, allow: [...methods, "OPTIONS"].join(", ") }] as const;
    }),
  );
}

function pageOffers(): [string, Offer][] {
  return Array.from(PAGE_FILES, ([path, file]) => [
    `GET ${path}`,
    {
      about: "a file of the live page",
      open: true,
      answers: {},
      act: ({ x, overseen }) => pageFile(x, file, overseen.page),
    },
  ]);
}
