// Forward-auth where the runtime has no sockets: the service is asked by its fetch (Cloudflare).
import { expect, test } from "bun:test";
import { createGateway } from "../../src/gateway.ts";
import type { Platform } from "../../src/platform.ts";
import { planOf } from "../config/support.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { options } from "./forward-auth-world.ts";

type Asked = (request: Request) => Response | Promise<Response>;

/** Sends a request through a gateway without sockets, whose service answers so. Gives the answer and what was fetched. */
async function ask(service: Asked, init: RequestInit = {}): Promise<{ answer: Response; fetched: Request[] }> {
  const fake = new FakePlatform();
  const fetched: Request[] = [];
  const platform: Platform = {
    ...lent(fake),
    runtime: "workers",
    connect: undefined,
    listen: undefined,
    fetch: async (request) => {
      fetched.push(request);
      if (new URL(request.url).host === "sso.test") return service(request);
      return new Response("served", { headers: { "X-Got": request.headers.get("remote-user") ?? "nobody" } });
    },
  };
  const gateway = createGateway(planOf({ ...options({ cookies: ["s"] }), log: { format: "json" } }), platform);
  const waiting = gateway.fetch(new Request("https://gw.test/a?b", init), "192.0.2.9");
  fake.clock.advance(60_000);
  const answer = await waiting;
  gateway.close();
  return { answer, fetched };
}

/** What the fake platform lends, its methods bound. */
function lent(fake: FakePlatform): Platform {
  const { terminal, subtle, files, verbosity, ids } = fake;
  const methods = ["now", "wallClock", "setTimer", "clearTimer", "random", "sha256", "line", "notice"] as const;
  const bound = Object.fromEntries(methods.map((name) => [name, (fake[name] as Function).bind(fake) as unknown]));
  return { terminal, subtle, files, verbosity, ids, ...bound } as Partial<Platform> as Platform;
}

test("the question and the caller's fields are those of every runtime", async () => {
  const headers = { "Remote-User": "root", Cookie: "c=1", "X-Forwarded-Uri": "/public" };
  const { answer, fetched } = await ask(
    () => new Response("ok", { headers: { "Remote-User": "john", "Set-Cookie": "s=2" } }),
    { method: "POST", body: "content", headers },
  );
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-got")).toBe("john");
  expect(answer.headers.getSetCookie()).toEqual(["s=2"]);
  expect(await answer.text()).toBe("served");
  const [question, request] = fetched;
  expect([question!.method, question!.url, question!.body]).toEqual(["GET", "http://sso.test/api/authz?a=b", null]);
  const said = Object.fromEntries(question!.headers);
  expect(said).toMatchObject({
    cookie: "c=1",
    "x-forwarded-method": "POST",
    "x-forwarded-uri": "/a?b",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "gw.test",
    "x-forwarded-for": "192.0.2.9",
  });
  expect(said).not.toHaveProperty("remote-user");
  expect(await request!.text()).toBe("content");
});

const OUTCOMES: readonly (readonly [string, Asked, number, string])[] = [
  ["a redirect", () => new Response(null, { status: 302, headers: { Location: "/login" } }), 302, ""],
  ["401 with content", () => new Response("no", { status: 401 }), 401, "no"],
  ["a failure of the connection", () => Promise.reject(new Error("refused")), 503, "authentication_unavailable"],
  ["two callers", () => pair(new Headers(), "john", "root"), 200, "served"],
  ["silence", ({ signal }) => silence(signal), 503, "authentication_unavailable"],
];

function pair(headers: Headers, ...users: string[]): Response {
  for (const user of users) headers.append("Remote-User", user);
  return new Response(null, { headers });
}

function silence(signal: AbortSignal): Promise<Response> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

test.each(OUTCOMES)("%s", async (_, service, status, text) => {
  const { answer, fetched } = await ask(service);
  expect(answer.status).toBe(status);
  expect(await answer.text()).toContain(text);
  expect(fetched).toHaveLength(text === "served" ? 2 : 1);
});
