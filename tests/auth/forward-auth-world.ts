// A gateway that asks sso.test who calls, its clients and its service.
import { expect } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import { forwardAuth, type ForwardAuthOptions } from "../../src/config/auth/forward-auth.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FakeClient, FakeTarget } from "../../src/platforms/fake/peers.ts";
import type { World } from "../support/fake-world.ts";

const KEY = "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"; // "key"

/** A gateway whose routes ask sso.test. */
export function options(more: Partial<ForwardAuthOptions> = {}, gateway: Partial<GatewayOptions> = {}): GatewayOptions {
  const url = "http://sso.test/api/authz?a=b";
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: { acme: { subjects: { sso: ["john"] }, keys: [KEY] } },
    auth: {
      sso: forwardAuth({ url, copy: ["Remote-User", "Remote-Groups>X-Groups"], subject: "Remote-User", ...more }),
      key: apiKey(),
    },
    routes: {
      all: { match: "/*", to: "up", auth: "sso" },
      both: { match: "/both", to: "up", auth: ["sso", "key"] },
      open: { match: "/open", to: "up", auth: "none" },
      seen: { match: "/seen", auth: "sso", handler: (x) => x.c.json(x.identity ?? null) },
    },
    ...gateway,
  };
}

/** The service. */
export const sso = (world: World): FakeTarget => world.targets["sso"]!;

/** A client whose request waits for the service. */
export function asking(
  world: World,
  fields: readonly string[] = [],
  target = "/x",
  method = "GET",
  content = "",
): FakeClient {
  const client = world.ask(method, target, fields, content);
  expect(world.a.requests).toEqual([]);
  return client;
}

/** Lets the service answer with these lines and this content. */
export function say(world: World, status: number, fields: readonly string[] = [], content = ""): void {
  sso(world).last.answer(status, content, fields);
  world.settle();
}

/** Ends what the target was asked. */
export function serve(world: World): void {
  world.a.last.answer(200, "served");
  world.settle();
}
