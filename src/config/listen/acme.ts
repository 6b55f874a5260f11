// The schema of certificates that the gateway gets by ACME.
import { isAddress, isHostName } from "../../http/host-name.ts";
import { isSafeUrl } from "../../http/safe-url.ts";
import { type ConfigReader, Problem } from "../fault.ts";
import { Secret } from "../secrets.ts";
import { leaf, list, maybe, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { certificateText } from "../tls.ts";
import { hiddenText, text } from "../values.ts";
import type { AcmePlan } from "./plan.ts";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** Each is an order of its own, and authorities count them. */
const MOST_DOMAINS = 100;

const A_DOMAIN = "a host name";

const domain = text(A_DOMAIN, (written) => {
  const host = written.toLowerCase();
  if (host.startsWith("*.")) {
    const hint = "Authorities issue wildcards for a DNS record alone, which the gateway cannot write: name the hosts.";
    return new Problem(A_DOMAIN, { hint });
  }
  if (!isAddress(host) && isHostName(host) && host.includes(".") && !host.includes("_")) return host;
  return new Problem(A_DOMAIN, { hint: 'It is such as "api.example.com".' });
});

const AN_EMAIL = 'an email address such as "ops@example.com"';

const email = text(AN_EMAIL, (written) => {
  // What else a mailto URL can hold, authorities refuse (RFC 8555 section 7.3).
  return /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/.test(written) ? `mailto:${written}` : new Problem(AN_EMAIL);
});

const A_DIRECTORY = "the URL of an ACME directory";

const directory = text(A_DIRECTORY, (url) => {
  if (!URL.canParse(url)) return new Problem(A_DIRECTORY, { hint: `Such as "${LETS_ENCRYPT}".` });
  const hint = "It is https, without user and password: over http anybody could be the authority.";
  return isSafeUrl(url) && new URL(url).hash === "" ? url : new Problem(A_DIRECTORY, { hint });
});

const AGREED = "true";

const agreed: Shape<true> = leaf((value) => {
  if (value === true) return value;
  const hint = "Authorities issue to those who agree to their terms of service: read them, and say so.";
  return new Problem(AGREED, { hint });
});

const A_KID = "a key identifier";
const kid = text(A_KID, (written) => (/^[\x21-\x7e]{1,256}$/.test(written) ? written : new Problem(A_KID)));

const A_MAC_KEY = "a key in base64url";

/** Authorities hand it out in base64url, with or without padding. */
function macKey(reader: ConfigReader): Shape<Secret> {
  return hiddenText(A_MAC_KEY, reader, ({ text, secret }) => {
    const bare = text.replace(/=+$/, "");
    const right = /^[A-Za-z0-9_-]{16,1024}$/.test(bare) && bare.length % 4 !== 1;
    if (!right) return new Problem(A_MAC_KEY, { found: false, hint: "It has letters, digits, - and _, 16 at least." });
    if (secret === undefined) return new Problem("env() with the key", { found: false, hint: "It is a secret." });
    return new Secret(bare, secret.source);
  });
}

const A_FOLDER = "the path of a folder";

function storagePath(reader: ConfigReader): Shape<string> {
  const none =
    "Neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set: write storage: a folder that only the gateway can read.";
  return leaf((value) => {
    if (typeof value === "string" && value !== "") return reader.locate?.(value) ?? value;
    if (value !== undefined) return new Problem(A_FOLDER);
    return stateFolder(reader) ?? new Problem(A_FOLDER, { hint: none });
  });
}

/** As systemd and the XDG base directory specification say it. */
function stateFolder(reader: ConfigReader): string | undefined {
  // systemd joins several by colons.
  const own = reader.env("STATE_DIRECTORY")?.split(":")[0];
  const xdg = reader.env("XDG_STATE_HOME");
  const home = reader.env("HOME");
  if (own) return `${own}/acme`;
  // A relative one is to be ignored.
  if (xdg?.startsWith("/")) return `${xdg}/sluice/acme`;
  return home ? `${home}/.local/state/sluice/acme` : undefined;
}

const challenge: Shape<"http-01"> = leaf((value) => {
  if (value === "http-01") return value;
  const hint =
    value === "tls-alpn-01"
      ? "The runtime has picked the certificate when it looks at ALPN."
      : value === "dns-01"
        ? "The gateway cannot write DNS records."
        : undefined;
  return new Problem('"http-01"', hint === undefined ? {} : { hint });
});

/** Certificates by ACME. Nothing is asked of the authority here. */
export function acmeShape(reader: ConfigReader): Shape<AcmePlan> {
  const shape = options(
    {
      domains: list(domain, "a list of host names", 1),
      agreeToTerms: agreed,
      directory: or(directory, LETS_ENCRYPT),
      email: maybe(oneOrMore(email, "an email address, or a list of them")),
      externalAccount: maybe(options({ kid, hmacKey: macKey(reader) })),
      storage: storagePath(reader),
      ca: maybe(certificateText(reader)),
      challenge: or(challenge, "http-01"),
    },
    function* ({ domains = [] }) {
      if (domains.length > MOST_DOMAINS) yield new Problem(`at most ${MOST_DOMAINS} host names`, { at: ["domains"] });
      for (const [i, name] of domains.entries()) {
        if (name === undefined || domains.indexOf(name) === i) continue;
        yield new Problem("a host name of its own", { at: ["domains", i], found: JSON.stringify(name) });
      }
    },
  );
  return then(shape, ({ domains, directory, email = [], externalAccount, storage, ca }) => ({
    domains,
    directory,
    contact: email,
    externalAccount,
    storage,
    ca: ca?.text,
  }));
}
