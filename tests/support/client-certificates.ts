// Certificates of clients, made by openssl and kept for a week: good ones, and such as somebody would make to be taken for another.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Certificate, certificateIn, madeOnce, NEW_KEY, opensslIn } from "./certificates.ts";

/** The subject of `partner`, and of those who would like to be it. */
export const PARTNER = "CN=acme,O=Acme\\, Inc.,C=DE";

const SUBJECT = "/C=DE/O=Acme, Inc./CN=acme";
const CLIENT = "extendedKeyUsage=clientAuth\n";
const PARTNER_NAMES =
  "subjectAltName=DNS:Meter-7.acme.test,URI:spiffe://acme.example/billing,email:Ops@ACME.test,IP:10.0.0.7\n";

/** Who signs, `ca` by default; the subject; extensions; days. */
interface Made {
  readonly by?: string;
  readonly subject?: string;
  readonly extensions?: string;
  readonly days?: string;
  /** Whether it says which key of its authority has signed it. */
  readonly saysKey?: boolean;
}

const MADE = {
  partner: { extensions: CLIENT + PARTNER_NAMES },
  /** The same names from another authority that the listener may trust too. */
  imitated: { by: "other", extensions: CLIENT + PARTNER_NAMES },
  /** Nor does it say that the key is another. */
  namesake: { by: "other", extensions: CLIENT, saysKey: false },
  stranger: {
    subject: "/CN=stranger",
    extensions: `${CLIENT}subjectAltName=DNS:stranger.test,URI:spiffe://acme.test/else\n`,
  },
  expired: { extensions: CLIENT, days: "-1" },
  forServers: { extensions: "extendedKeyUsage=serverAuth\n" },
  /** An authority between, and whom it signed: `behindChain` brings it along. */
  between: { subject: "/CN=between", extensions: "basicConstraints=critical,CA:TRUE\n" },
  behind: { by: "between", subject: "/CN=behind", extensions: CLIENT },
  /** An authority of no authority: `client` may sign nothing. */
  bySubscriber: { by: "stranger", extensions: CLIENT },
  noSubject: { subject: "/", extensions: `${CLIENT}subjectAltName=URI:spiffe://acme.example/billing\n` },
  twoNames: { subject: "/CN=stranger/CN=acme", extensions: CLIENT },
  oneInTheOther: { subject: "/CN=stranger,CN=acme", extensions: CLIENT },
  slashes: { subject: "/CN=stranger\\/CN=acme", extensions: CLIENT },
  lines: { subject: "/CN=stranger\nCN=acme", extensions: CLIENT },
  capitals: { subject: "/C=DE/O=Acme, Inc./CN=ACME", extensions: CLIENT },
  unicode: { subject: "/CN=аcme", extensions: CLIENT },
  long: { subject: `/CN=${"a".repeat(60)}${`/OU=${"b".repeat(60)}`.repeat(60)}`, extensions: CLIENT },
  /** "acme\0.evil.test", "acme.test, DNS:meter-7.acme.test" and so on, where only one name may stand. */
  nul: {
    subject: "/CN=x",
    extensions: `${CLIENT}subjectAltName=DER:30:${tlv(0x82, "meter-7.acme.test\0.evil.test")}\n`,
  },
  comma: {
    subject: "/CN=x",
    extensions: `${CLIENT}subjectAltName=DER:30:${tlv(0x86, "x:y, DNS:meter-7.acme.test")}\n`,
  },
  quotes: {
    subject: "/CN=x",
    extensions: `${CLIENT}subjectAltName=DER:30:${tlv(0x86, 'x:", DNS:meter-7.acme.test, URI:"')}\n`,
  },
  folder: {
    subject: "/CN=x",
    extensions: `${CLIENT}subjectAltName=dirName:d\n[d]\nCN=x, DNS:meter-7.acme.test\n`,
  },
  both: { extensions: `${CLIENT}subjectAltName=URI:spiffe://acme.example/billing,URI:spiffe://acme.test/else\n` },
} as const satisfies Readonly<Record<string, Made>>;

/** A name of subjectAltName in DER, inside its sequence, as openssl writes bytes. */
function tlv(tag: number, text: string): string {
  const name = [tag, text.length, ...Buffer.from(text, "latin1")];
  return [name.length, ...name].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Certificates by name, and lists of `ca` in PEM: nobody revoked, `partner` revoked, one that is too old; one of `other`. */
export type ClientCertificates = Readonly<
  Record<keyof typeof MADE | "ca" | "other" | "self" | "behindChain", Certificate>
> & {
  readonly nobodyRevoked: string;
  readonly partnerRevoked: string;
  readonly oldList: string;
  readonly listOfOther: string;
};

let loaded: ClientCertificates | undefined;

/** All of them. */
export function clientCertificates(): ClientCertificates {
  loaded ??= load();
  return loaded;
}

function load(): ClientCertificates {
  const folder = madeOnce("client-certificates", make);
  const names = [...Object.keys(MADE), "ca", "other", "self"];
  const found = Object.fromEntries(names.map((name) => [name, certificateIn(folder, name)]));
  const { behind, between } = found as Record<string, Certificate>;
  const list = (name: string): string => readFileSync(join(folder, `${name}.crl`), "utf8");
  return {
    ...found,
    behindChain: { ...behind, cert: `${behind!.cert}${between!.cert}` },
    nobodyRevoked: list("nobody"),
    partnerRevoked: list("partner"),
    oldList: list("old"),
    listOfOther: list("other"),
  } as unknown as ClientCertificates;
}

function make(folder: string): void {
  const openssl = opensslIn(folder);
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:TRUE",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  ];
  const own = (name: string, subject: string, more: readonly string[]): void =>
    openssl(
      "req",
      "-x509",
      ...NEW_KEY,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-days",
      "30",
      "-subj",
      subject,
      ...more,
    );
  own("ca", "/O=Sluice tests/CN=clients", authority);
  own("other", "/O=Sluice tests/CN=clients", authority);
  own("self", SUBJECT, []);
  let serial = 1;
  for (const [name, made] of Object.entries<Made>(MADE)) {
    const { by = "ca", subject = SUBJECT, extensions = "", days = "30", saysKey = true } = made;
    openssl("req", "-utf8", ...NEW_KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
    // Two authorities have one name: the key says which of them it was.
    writeFileSync(join(folder, `${name}.ext`), `authorityKeyIdentifier=${saysKey ? "keyid" : "none"}\n${extensions}`);
    const signer = [
      "-CA",
      `${by}.pem`,
      "-CAkey",
      `${by}.key`,
      "-extfile",
      `${name}.ext`,
      "-set_serial",
      String(serial++),
    ];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, "-out", `${name}.pem`, "-days", days);
  }
  writeFileSync(join(folder, "index"), "");
  writeFileSync(join(folder, "number"), "01");
  writeFileSync(
    join(folder, "ca.cnf"),
    "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=30\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n",
  );
  const by = (name: string): string[] => ["ca", "-config", "ca.cnf", "-keyfile", `${name}.key`, "-cert", `${name}.pem`];
  const ca = by("ca");
  const old = ["-crl_lastupdate", "20250101000000Z", "-crl_nextupdate", "20250201000000Z"];
  openssl(...ca, "-gencrl", "-out", "nobody.crl");
  openssl(...ca, "-gencrl", ...old, "-out", "old.crl");
  openssl(...by("other"), "-gencrl", "-out", "other.crl");
  openssl(...ca, "-revoke", "partner.pem");
  openssl(...ca, "-gencrl", "-out", "partner.crl");
}
