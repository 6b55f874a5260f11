// Introspection on Cloudflare: no request waits for what another one does.
import { expect, test } from "bun:test";
import { Carried } from "../../src/carried.ts";
import { createIntrospection } from "../../src/auth/introspection/introspection.ts";
import type { AuthServices } from "../../src/auth/scheme.ts";
import type { GatewayError } from "../../src/errors.ts";
import { introspection } from "../../src/mod.ts";
import type { Platform } from "../../src/platform.ts";
import { planOf } from "../config/support.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { callOf } from "./callers.ts";

test("each request asks for itself, what is known serves all, and beyond 64 the answer is 503", async () => {
  const fake = new FakePlatform();
  const held: ((response: Response) => void)[] = [];
  const platform: Platform = Object.assign(
    Object.create(fake) as FakePlatform,
    {
      runtime: "workers",
      sha256: (bytes: Uint8Array) => Promise.resolve(fake.sha256(bytes)),
      fetch: () => new Promise<Response>((resolve) => held.push(resolve)),
    } as Partial<Platform>,
  );
  const { auth } = planOf({
    auth: { token: introspection({ url: "https://login.test/", clientId: "g", clientSecret: "s" }) },
    routes: { all: { match: "/", auth: "token", answer: {} } },
  });
  const [plan] = auth.schemes;
  if (plan?.kind !== "introspection") throw new Error("no introspection");
  const scheme = createIntrospection(plan, {
    platform,
    keep: new Carried().keep,
    consumerOf: () => undefined,
  } as unknown as AuthServices);
  const ask = (): ReturnType<typeof scheme.identify> =>
    scheme.identify(callOf(undefined, { fields: [["Authorization", "Bearer a"]] }));
  const asked = Array.from({ length: 70 }, ask);
  const refused = await Promise.all(asked.slice(64));
  expect(refused.map((verdict) => (verdict as GatewayError).code)).toEqual(
    refused.map(() => "authentication_unavailable"),
  );
  expect(held).toHaveLength(64);
  for (const answer of held) answer(Response.json({ active: true, sub: "ada" }));
  for (const verdict of await Promise.all(asked.slice(0, 64))) expect(verdict).toMatchObject({ subject: "ada" });
  expect(await ask()).toMatchObject({ subject: "ada" });
  expect(held).toHaveLength(64);
});
