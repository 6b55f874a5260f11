// What is right with TLS of the listener, and yet will not do what was meant.
import type { RoutePlan } from "../plan.ts";
import type { CertificatePlan, ListenTlsPlan } from "./plan.ts";

/** Certificates that no client takes at this time. */
export function oldCertificates(tls: ListenTlsPlan | undefined, now: number): string[] {
  return each(tls, ({ facts }, path) => {
    if (facts === undefined) return [];
    const { notBefore, notAfter } = facts;
    if (notAfter < now) return [`${path}: the certificate has expired on ${dayOf(notAfter)}: clients refuse it`];
    if (notBefore > now)
      return [`${path}: the certificate holds from ${dayOf(notBefore)} on: clients refuse it till then`];
    return [];
  });
}

/** Names of certificates that stand in the config, and that no route can be asked by. */
export function strayNames(tls: ListenTlsPlan | undefined, routes: readonly RoutePlan[]): string[] {
  const matches = routes.flatMap((route) => route.matches);
  const hosts = new Set(matches.flatMap((match) => match.hosts));
  if (matches.some((match) => match.hosts.length === 0)) return [];
  const stray = (names: readonly string[], path: string): string[] =>
    names
      .filter((name) => ![...hosts].some((host) => meet(name, host)))
      .map((name) => `${path}: no route has the host ${name}`);
  return [
    ...each(tls, ({ names = [] }, path) => stray(names, `${path}.names`)),
    ...stray(tls?.acme?.domains ?? [], "listen.tls.acme.domains"),
  ];
}

/** Whether some host has both names, each of which may begin with "*." */
function meet(name: string, host: string): boolean {
  const below = (wide: string, narrow: string): boolean => wide.startsWith("*.") && narrow.endsWith(wide.slice(1));
  return name === host || below(name, host) || below(host, name);
}

function each(
  tls: ListenTlsPlan | undefined,
  tell: (certificate: CertificatePlan, path: string) => string[],
): string[] {
  return (tls?.certificates ?? []).flatMap((certificate, i) => tell(certificate, `listen.tls.certificates.${i}`));
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
