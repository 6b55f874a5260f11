// The schema of TLS on the listener.
import { isAddress, isHostName } from "../../http/host-name.ts";
import { type ConfigReader, Problem } from "../fault.ts";
import { list, maybe, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { Secret } from "../secrets.ts";
import { certificateText, keyText, pem, strangersProblem } from "../tls.ts";
import { choice, duration, flag, text, whole } from "../values.ts";
import { acmeShape } from "./acme.ts";
import type { AcmePlan, CertificatePlan, ListenTlsPlan } from "./plan.ts";

const A_NAME = "a host name";

const name = text(A_NAME, (written) => {
  const host = written.toLowerCase();
  if (!isAddress(host) && isHostName(host.replace(/^\*\./, ""))) return host;
  return new Problem(A_NAME, { hint: 'It is such as "api.example.com", or "*.example.com" for every name one below.' });
});

function certificateShape(reader: ConfigReader): Shape<CertificatePlan> {
  const shape = options(
    {
      cert: certificateText(reader),
      key: keyText(reader),
      names: maybe(list(name, "a list of host names", 1)),
    },
    function* ({ cert, key }) {
      yield* strangersProblem(cert, key, reader);
    },
  );
  return then(shape, ({ cert, key, names }) => ({
    cert: cert.text,
    key: key.secret ?? new Secret(key.text, "listen.tls key"),
    certFile: cert.path,
    keyFile: key.path,
    names,
    facts: factsOf(cert.text, reader),
  }));
}

function factsOf(cert: string, reader: ConfigReader): CertificatePlan["facts"] {
  const facts = reader.certificate?.(cert);
  return facts && { names: facts.names, notBefore: facts.notBefore, notAfter: facts.notAfter };
}

const TEN_YEARS_MS = 3650 * 24 * 3600 * 1000;

const hsts = then(
  options({ maxAge: or(duration(0, TEN_YEARS_MS), "180d"), includeSubDomains: or(flag, false) }),
  ({ maxAge, includeSubDomains }) =>
    `max-age=${Math.floor(maxAge / 1000)}${includeSubDomains ? "; includeSubDomains" : ""}`,
);

const redirect = options({ port: whole(1, 65_535), to: maybe(whole(1, 65_535)) });

/** TLS of the listener. PEM files are read here, and by the gateway again when they change. */
export function listenTlsShape(reader: ConfigReader): Shape<ListenTlsPlan> {
  const shape = options(
    {
      certificates: maybe(oneOrMore(certificateShape(reader), "a certificate, or a list of them")),
      acme: maybe(acmeShape(reader)),
      minVersion: or(choice("1.2", "1.3"), "1.2"),
      clientCert: or(choice("off", "request", "require"), "off"),
      clientCa: maybe(certificateText(reader)),
      clientCrl: maybe(pem("a list of revoked certificates", reader, (text) => crlProblem(text, reader))),
      hsts: maybe(hsts),
      redirectHttp: maybe(redirect),
    },
    function* ({ certificates, clientCert, clientCrl, acme }, written) {
      if (written["certificates"] === undefined && written["acme"] === undefined) {
        yield new Problem("a certificate, or a list of them", { at: ["certificates"] });
      }
      yield* sameNames(certificates);
      yield* coveredDomains(acme, certificates);
      if (written["acme"] !== undefined && written["redirectHttp"] === undefined) {
        const hint = "The authority asks this gateway over plain HTTP, on port 80: write redirectHttp: { port: 80 }.";
        yield new Problem("redirectHttp beside acme", { at: ["acme"], found: false, hint });
      }
      const authorities = written["clientCa"] !== undefined;
      if (clientCert !== undefined && clientCert !== "off" && !authorities) {
        const hint = "Without authorities nobody can tell whose certificate is good.";
        yield new Problem("clientCa beside clientCert", { at: ["clientCert"], hint });
      }
      if (reader.wholeTls === false) yield* forTheExecutable(clientCert, acme);
      if (clientCrl !== undefined && !authorities) {
        const hint = "It is the list of an authority of clients.";
        yield new Problem("clientCa beside clientCrl", { at: ["clientCrl"], found: false, hint });
      }
      if (clientCert === "off" && authorities) {
        const hint = 'Authorities alone ask nobody: "request" or "require" does.';
        yield new Problem("clientCert beside clientCa", { at: ["clientCa"], hint });
      }
    },
  );
  return then(
    shape,
    ({ certificates = [], acme, minVersion, clientCert, clientCa, clientCrl, hsts, redirectHttp }) => ({
      certificates,
      acme,
      minVersion,
      clients: clientCa && {
        ca: clientCa.text,
        crl: clientCrl?.text,
        crlFile: clientCrl?.path,
        required: clientCert === "require",
      },
      hsts,
      redirect: redirectHttp,
    }),
  );
}

const CRL = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/;

function crlProblem(text: string, reader: ConfigReader): string | undefined {
  if (!CRL.test(text)) return 'It holds no "X509 CRL" in PEM: `openssl crl -inform DER` converts one.';
  return reader.isRevocations?.(text) === false ? "The list in it cannot be read." : undefined;
}

/** The faults of a config that Deno cannot serve. */
function* forTheExecutable(clientCert: string | undefined, acme: AcmePlan | undefined): Iterable<Problem> {
  if (clientCert !== undefined && clientCert !== "off") {
    const hint = "Deno does not tell the names in clients' certificates for sure: the executable does.";
    yield new Problem('"off"', { at: ["clientCert"], hint });
  }
  if (acme !== undefined) {
    const hint = "The executable gets certificates by itself; on Deno they are files.";
    yield new Problem("certificates in place of acme", { at: ["acme"], found: false, hint });
  }
}

/** Domains that a certificate of the list has: that one would be shown, and the other be got for nothing. */
function* coveredDomains(
  acme: AcmePlan | undefined,
  certificates: readonly (CertificatePlan | undefined)[] = [],
): Iterable<Problem> {
  for (const [i, domain] of (acme?.domains ?? []).entries()) {
    const before = certificates.findIndex((each) => (each?.names ?? each?.facts?.names)?.includes(domain));
    if (before < 0) continue;
    const hint = `Certificate ${before + 1} has the name too, and is the one that clients would get.`;
    yield new Problem("a host name that no certificate of the list has", {
      at: ["acme", "domains", i],
      found: JSON.stringify(domain),
      hint,
    });
  }
}

function* sameNames(certificates: readonly (CertificatePlan | undefined)[] = []): Iterable<Problem> {
  const seen = new Map<string, number>();
  for (const [i, certificate] of certificates.entries()) {
    for (const [k, name] of (certificate?.names ?? []).entries()) {
      const before = seen.get(name);
      const at = ["certificates", i, "names", k];
      const hint = `Certificate ${(before ?? 0) + 1} has the name too: nobody could tell which one is meant.`;
      if (before !== undefined)
        yield new Problem("a name of one certificate", { at, found: JSON.stringify(name), hint });
      seen.set(name, i);
    }
  }
}
