// TLS of a listener as the platform takes it.
import type { CertificatePlan, ListenTlsPlan } from "../config/listen/plan.ts";
import type { IssuedState } from "../issued.ts";
import type { Platform, ServerTls } from "../platform.ts";

/** The TLS of a plan. Who says no names gets those of the certificate. Behind its own stand the certificates that were issued. */
export function serverTls(
  { certificates, minVersion, clients }: ListenTlsPlan,
  http2: boolean,
  platform: Pick<Platform, "certificate">,
  issued?: IssuedState,
): ServerTls {
  const shown = ({ cert, key, names }: CertificatePlan): ServerTls["certificates"][number] => ({
    cert,
    key: key.reveal(),
    names: names ?? platform.certificate?.(cert)?.names ?? [],
  });
  return {
    certificates: [...certificates.map(shown), ...(issued?.certificates ?? [])],
    awaited: issued?.awaited,
    minVersion,
    http2,
    clients,
  };
}
