// The schema of TLS towards targets, and of PEM texts.
import { Problem, type ConfigReader } from "./fault.ts";
import { isHostName } from "../http/host-name.ts";
import type { TlsPlan } from "./plan.ts";
import { REDACTED, Secret } from "./secrets.ts";
import { maybe, options, or, then, type Shape } from "./shape.ts";
import { quoted } from "./describe.ts";
import { flag, hiddenText, text, type FoundText } from "./values.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;
const CERTIFICATES = new RegExp(CERTIFICATE, "g");
const KEY = /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----[^-]+-----END \1PRIVATE KEY-----/;
const ENCRYPTED = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/;

/** TLS of an upstream. PEM files are read here, once. */
export function tlsShape(reader: ConfigReader): Shape<TlsPlan> {
  const serverName = text("a host name or IP address", (name) => {
    const hint = 'It is a name alone, such as "orders.internal".';
    return isHostName(name) ? name : new Problem("a host name or IP address", { hint });
  });
  const certificate = certificateText(reader);
  const shape = options(
    {
      serverName: maybe(serverName),
      ca: maybe(certificate),
      cert: maybe(certificate),
      key: maybe(keyText(reader)),
      verify: or(flag, true),
    },
    function* ({ cert, key }, written) {
      if (written["cert"] !== undefined && written["key"] === undefined) {
        yield new Problem("a key beside cert", { hint: "A client certificate needs its private key." });
      }
      if (written["key"] !== undefined && written["cert"] === undefined) {
        yield new Problem("a cert beside key", { hint: "A client key needs its certificate." });
      }
      yield* strangersProblem(cert, key, reader);
    },
  );
  return then(shape, ({ serverName, ca, cert, key, verify }) => {
    const secret = key && (key.secret ?? new Secret(key.text, "tls.key"));
    return { serverName, ca: ca?.text, cert: cert?.text, key: secret, verify };
  });
}

/** A PEM text, and where it was found. */
export interface PemText extends FoundText {
  /** The file that holds it, absolute where that is known; undefined for a text. */
  readonly path: string | undefined;
}

/** A certificate, with others behind it or without. */
export function certificateText(reader: ConfigReader): Shape<PemText> {
  return pem("a certificate", reader, (text) => certificateProblem(text, reader));
}

/** A private key that is not encrypted. */
export function keyText(reader: ConfigReader): Shape<PemText> {
  return pem("a private key", reader, keyProblem);
}

/** Tells of a key that is not the certificate's, and of what is no key after all. */
export function* strangersProblem(
  cert: PemText | undefined,
  key: PemText | undefined,
  reader: ConfigReader,
): Iterable<Problem> {
  const facts = cert && reader.certificate?.(cert.text);
  if (facts === undefined || key === undefined) return;
  const owns = facts.owns(key.text);
  const hint = owns === undefined ? "The key cannot be read." : "It belongs to another certificate.";
  if (owns !== true) yield new Problem("the private key of cert", { at: ["key"], found: shownPem(key), hint });
}

/** How a message names a PEM text: by its file, never by its content. */
function shownPem({ path, secret }: PemText): string {
  return path !== undefined ? quoted(path) : secret !== undefined ? REDACTED : "a PEM text";
}

/** A PEM text, or the path of a file that holds one. Comes out as the text. */
export function pem(
  what: string,
  reader: ConfigReader,
  problemOf: (text: string) => string | undefined,
): Shape<PemText> {
  const wanted = `the path of a PEM file with ${what}, or its text`;
  return hiddenText(wanted, reader, ({ text, secret }) => {
    const isText = text.includes("-----BEGIN");
    // A private key given in another form than PEM looks like no path and is not shown.
    const isPath = text.length <= 255 && /^[^\s]+\.[A-Za-z0-9]{1,8}$/.test(text);
    const found = isText ? "a PEM text" : isPath ? quoted(text) : undefined;
    const content = isText ? text : text === "" ? undefined : reader.file(text);
    if (content === undefined)
      return new Problem(wanted, { ...(found && { found }), hint: "No such file can be read." });
    const hint = problemOf(content);
    if (hint !== undefined) return new Problem(wanted, { ...(found && { found }), hint });
    const path = isText ? undefined : (reader.locate?.(text) ?? text);
    return { text: content, secret: secret && new Secret(content, secret.source), path };
  });
}

function certificateProblem(text: string, { certificate }: ConfigReader): string | undefined {
  const found = text.match(CERTIFICATES) ?? [];
  if (found.length === 0) {
    return KEY.test(text) ? "It holds a private key and no certificate." : "It holds no certificate in PEM.";
  }
  // One that nobody can read is found here, not by the first client whom it would have let in.
  const broken = certificate === undefined ? -1 : found.findIndex((one) => certificate(one) === undefined);
  if (broken < 0) return undefined;
  return found.length === 1
    ? "The certificate in it cannot be read."
    : `Certificate ${broken + 1} in it cannot be read.`;
}

/** Why a PEM text gives no private key; undefined when it does. */
export function keyProblem(text: string): string | undefined {
  if (ENCRYPTED.test(text)) return "The key is encrypted: store it without a passphrase.";
  if (KEY.test(text)) return undefined;
  return CERTIFICATE.test(text) ? "It holds a certificate and no private key." : "It holds no private key in PEM.";
}
