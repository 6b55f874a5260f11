// Readiness and certificates: over all states of an authority's work, who says that nothing stands in the way has them all.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { serverTls } from "../src/listen/server-tls.ts";
import type { IssuedCertificate, IssuedState } from "../src/issued.ts";
import { obstaclesIn } from "../src/obstacles.ts";
import { certificateOf } from "../src/platforms/server-name.ts";

type Asked = Parameters<typeof obstaclesIn>[0];

const certificate = (domain: string): IssuedCertificate => ({
  cert: `the certificate of ${domain}`,
  key: "",
  names: [domain],
  notAfter: 0,
});

const state = (held: readonly string[], awaited: readonly string[] = []): IssuedState => ({
  certificates: held.map(certificate),
  awaited,
  answers: new Map(),
});

/** A gateway that has nothing but host names for which certificates are to be issued. */
function reasons(domains: readonly string[] | undefined, issued: IssuedState | undefined): string[] {
  const parts: Asked = {
    schemes: new Map(),
    upstreams: new Map(),
    issuedHosts: domains ?? [],
    issued: issued && { state: issued, follow: () => () => undefined },
    isDraining: () => false,
  };
  return obstaclesIn(parts).map(({ name, reason }) => `${name}: ${reason}`);
}

const MISSING = (...hosts: string[]): string[] => [`listen.tls.acme: no certificate yet for ${hosts.join(", ")}`];

describe("what stands in the way of readiness", () => {
  const table: [state: string, domains: string[] | undefined, issued: IssuedState | undefined, told: string[]][] = [
    ["nothing is to be issued", undefined, undefined, []],
    ["nothing is to be issued, and what was before is still known", undefined, state(["a.test"]), []],
    ["nobody issues", ["a.test"], undefined, MISSING("a.test")],
    ["nobody has looked yet", ["a.test"], state([]), MISSING("a.test")],
    ["it is awaited", ["a.test"], state([], ["a.test"]), MISSING("a.test")],
    ["it is there", ["a.test"], state(["a.test"]), []],
    ["one of two is awaited", ["a.test", "b.test"], state(["a.test"], ["b.test"]), MISSING("b.test")],
    [
      "a reload has added one of which the issuer has not heard",
      ["a.test", "b.test"],
      state(["a.test"]),
      MISSING("b.test"),
    ],
    ["a reload has put one in another's place", ["b.test"], state(["a.test"]), MISSING("b.test")],
    ["a reload has taken away the one that was awaited", ["a.test"], state(["a.test"], ["b.test"]), []],
  ];
  test.each(table)("%s", (_, domains, issued, told) => {
    expect(reasons(domains, issued)).toEqual(told);
  });
});

test("a gateway with nothing in its way shows each of its host names the certificate of that name", () => {
  const hosts = fc.uniqueArray(fc.constantFrom("a.test", "b.test", "c.test"));
  const tls = { certificates: [], minVersion: "1.2", clients: undefined } as unknown as Parameters<typeof serverTls>[0];
  fc.assert(
    fc.property(hosts, hosts, hosts, (domains, held, awaited) => {
      const issued = state(held, awaited);
      if (reasons(domains, issued).length > 0) return;
      const { certificates } = serverTls(tls, false, {}, issued);
      const indexOf = certificateOf([...certificates, { names: awaited }]);
      for (const domain of domains) expect(certificates[indexOf(domain)]?.cert).toBe(`the certificate of ${domain}`);
    }),
  );
});
