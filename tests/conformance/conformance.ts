// The list: what a gateway does, whatever it runs on. The files beside it hold the promises by subject.
import { afterAll, beforeAll, describe, test } from "bun:test";
import { answering, plain } from "../support/origin-exchange.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { ANSWERS } from "./answers.ts";
import { CALLERS, CREDENTIALS } from "./callers.ts";
import { BODIES } from "./bodies.ts";
import { FAILURES } from "./failures.ts";
import { FORWARDING } from "./forwarding.ts";
import { ISSUER_KEYS, SIGNED_TOKENS } from "./jwt.ts";
import { type Kit, kitFor, type Over, type Promised, type Runtime } from "./kit.ts";
import { LIMITS } from "./limits.ts";
import { ROUTING } from "./routing.ts";
import { SHAPING } from "./shaping.ts";
import { TOKENS } from "./tokens.ts";
import { TRACES } from "./traces.ts";
import { USER_CODE } from "./user-code.ts";

/** All promises. */
export const PROMISES: readonly Promised[] = [
  ...ROUTING,
  ...CALLERS,
  ...LIMITS,
  ...TOKENS,
  ...SIGNED_TOKENS,
  ...FORWARDING,
  ...TRACES,
  ...ANSWERS,
  ...BODIES,
  ...FAILURES,
  ...SHAPING,
  ...USER_CODE,
];

/** A gateway that was started for the list. */
export interface Started {
  readonly port: number;
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** Starts a gateway with tests/conformance/gateway.config.ts and these variables. */
export type Start = (environment: Readonly<Record<string, string>>) => Promise<Started>;

/**
 * Describes the list for one runtime.
 * @param is what the listener speaks, if not HTTP/1.1 without TLS, and why that cannot be tried
 */
export function conforms(runtime: Runtime, start: Start, is: { over?: Over; lacks?: string | undefined } = {}): void {
  const title = `a gateway on ${runtime}${is.over === undefined ? "" : ` over ${is.over}`}`;
  describe.skipIf(is.lacks !== undefined)(is.lacks === undefined ? title : `${title} (skipped: ${is.lacks})`, () => {
    let origin: RawOrigin;
    let other: RawOrigin;
    let gateway: Started;
    let kit: Kit;

    beforeAll(async () => {
      origin = await startOrigin();
      other = await startOrigin(answering(plain("other")));
      const down = await startOrigin();
      const environment = {
        ORIGIN: origin.url,
        DOWN: down.url,
        OTHER: other.url,
        STICKY: "a secret of thirty-two bytes....",
        KEY: "the key of the tests",
        INTROSPECTION: `${origin.url}/introspect`,
        JWKS: `${origin.url}/keys`,
        ...CREDENTIALS,
        ...ISSUER_KEYS,
      };
      await down.stop();
      gateway = await start(environment);
      const scheme = is.over === "TLS" ? "https" : "http";
      const version = is.over === "HTTP/2" ? "2.0" : "1.1";
      kit = kitFor({ runtime, port: gateway.port, scheme, version }, origin, () => gateway.lines);
    }, 60_000);

    afterAll(async () => {
      try {
        await gateway?.stop();
      } finally {
        await Promise.all([origin?.stop(), other?.stop()]);
      }
    });

    for (const { name, except, holds } of PROMISES) {
      const reason = except?.[runtime] ?? (is.over && except?.[is.over]);
      if (reason === undefined) test(name, () => holds(kit), 15_000);
      else
        test.skip(`${name} (skipped on ${runtime}${is.over === undefined ? "" : ` over ${is.over}`}: ${reason})`, () =>
          undefined);
    }
  });
}
