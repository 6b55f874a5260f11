// A gateway whose tokens an authorization server of the fake world knows.
import type { GatewayOptions } from "../../src/config/options.ts";
import { introspection, type IntrospectionOptions } from "../../src/mod.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorldOf, type World } from "./fake-world.ts";

/** Where the authorization server is asked. */
export const ENDPOINT = "https://login.test/introspect";

/** What the authorization server does about a token: answers with JSON, with a response, fails, or says nothing. */
export type Reaction = object | Response | Error | Promise<object> | "silence" | "deaf";

/** An authorization server in the fake world. */
export class AuthorizationServer {
  /** Tokens it was asked about, in order. */
  readonly asked: string[] = [];
  readonly requests: Request[] = [];
  /** What it does about each token. Others are not active. */
  readonly about = new Map<string, Reaction>();
  /** What it does about every token, if anything. */
  always: Reaction | undefined = undefined;
  /** Questions that were given up. */
  aborted = 0;

  constructor(world: World) {
    world.platform.fetch = async (request) => {
      this.requests.push(request);
      const form = new URLSearchParams(await request.text());
      const token = form.get("token")!;
      this.asked.push(token);
      const reaction = this.always ?? this.about.get(token) ?? { active: false };
      if (reaction instanceof Error) throw reaction;
      if (reaction instanceof Response) return reaction.clone();
      if (typeof reaction !== "string") return Response.json(await reaction);
      return new Promise((_, reject) =>
        request.signal.addEventListener("abort", () => {
          this.aborted++;
          if (reaction === "silence") reject(new Error("aborted"));
        }),
      );
    };
  }
}

/** A config with the scheme `token` by introspection, and `shadow` that observes. */
export function options(more: Partial<IntrospectionOptions> = {}): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: {
      acme: { groups: ["partner"], subjects: { token: ["acme-app"] } },
      ada: { subjects: { token: ["ada"] } },
    },
    auth: {
      token: introspection({ url: ENDPOINT, clientId: "gateway", clientSecret: "s3cret", ...more }),
      shadow: introspection({ url: ENDPOINT, clientId: "gateway", clientSecret: "s3cret", mode: "observe" }),
    },
    routes: {
      orders: { match: "/orders/*", to: "up", auth: "token" },
      admin: { match: "/admin/*", to: "up", auth: "token", allow: { scope: "admin" } },
      tried: { match: "/tried/*", to: "up", auth: "shadow" },
      own: {
        match: "/own",
        auth: "token",
        handler: (x) => Response.json(x.identity),
      },
    },
  };
}

/** Runs a story in a world with an authorization server. What the operator was told is checked by the story. */
export async function inWorldWith(
  more: Partial<IntrospectionOptions>,
  story: (world: World, server: AuthorizationServer) => Promise<void>,
): Promise<void> {
  await inWorldOf(options(more), async (world) => {
    await story(world, new AuthorizationServer(world));
    world.platform.notices.length = 0;
  });
}

/** Asks with a token; answers at the target if the request gets there. */
export async function ask(world: World, token: string, target = "/orders/1", method = "GET"): Promise<FakeClient> {
  const client = world.ask(method, target, [`Authorization: Bearer ${token}`]);
  await world.rest();
  const reached = world.a.connections.length > 0 ? world.a.last : undefined;
  if (reached !== undefined && client.statuses.length === 0) reached.answer(200);
  world.settle();
  return client;
}

/** The status of a request with a token. */
export const statusOf = async (world: World, token: string, target?: string): Promise<number | undefined> =>
  (await ask(world, token, target)).statuses[0];
