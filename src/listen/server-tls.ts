// TLS of a listener as the platform takes it.
import type { CertificatePlan, ListenTlsPlan } from "../config/listen/plan.ts";
import type { Platform, ServerTls } from "../platform.ts";

/** The TLS of a plan. Who says no names gets those of the certificate. */
export function serverTls(
  { certificates, minVersion, clients }: ListenTlsPlan,
  http2: boolean,
  platform: Pick<Platform, "certificate">,
): ServerTls {
  const shown = ({ cert, key, names }: CertificatePlan): ServerTls["certificates"][number] => ({
    cert,
    key: key.reveal(),
    names: names ?? platform.certificate?.(cert)?.names ?? [],
  });
  return { certificates: certificates.map(shown), minVersion, http2, clients };
}
