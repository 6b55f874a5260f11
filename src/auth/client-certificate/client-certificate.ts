// Client certificates: the caller is whom the certificate of its connection names.
import { LRUCache } from "lru-cache";
import type { ClientCertificateClaims, ClientCertificatePlan } from "../../config/auth/client-certificate.ts";
import type { AnyClaims, Identity } from "../../config/auth/options.ts";
import type { ConsumerPlan } from "../../config/auth/plan.ts";
import { GatewayError } from "../../errors.ts";
import { distinguishedName } from "../../http/distinguished-name.ts";
import type { ClientCertificateFacts, ShownCertificate } from "../../http/certificates.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { normalSubject, subjectsIn } from "./subject.ts";

/** Certificates whose callers are kept when their connection has gone, so that the next one finds the same identity. */
const MOST_KNOWN = 1024;

/** What a certificate is worth while it holds. */
interface Judged {
  readonly verdict: Identity | GatewayError;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The scheme of a plan with `kind: "client-certificate"`; it judges what the connection has shown. */
export function createClientCertificate(plan: ClientCertificatePlan, services: AuthServices): Scheme {
  const { name, realm } = plan;
  const { platform } = services;
  const consumers = consumersBySubject(plan, services.consumers);
  /** By the connection that has shown it: it is read once, and every request of the connection looks it up. */
  const shown = new WeakMap<ShownCertificate, Judged>();
  const known = new LRUCache<string, Judged>({ max: MOST_KNOWN });

  const judge = (der: Uint8Array, digest: Uint8Array): Judged => {
    const hash = digest.toHex();
    const before = known.get(hash);
    if (before !== undefined) return before;
    const facts = platform.clientCertificate?.(der);
    if (facts === undefined) return { verdict: invalid("it cannot be read"), notBefore: -Infinity, notAfter: Infinity };
    const { notBefore, notAfter } = facts;
    const judged = { verdict: verdictOn(facts, digest, plan, consumers), notBefore, notAfter };
    known.set(hash, judged);
    return judged;
  };
  const inTime = ({ verdict, notBefore, notAfter }: Judged): Verdict => {
    const now = platform.wallClock();
    // The handshake has looked: since then a long-lived connection, or a session that was resumed, may have outlived it.
    if (now > notAfter) return invalid(`it has expired on ${new Date(notAfter).toISOString()}`);
    return now < notBefore ? invalid(`it does not hold before ${new Date(notBefore).toISOString()}`) : verdict;
  };

  return {
    name,
    observe: plan.observe,
    credentialFields: [],
    forwards: false,
    identify({ clientCertificate }) {
      if (clientCertificate === undefined) return undefined;
      const { der, problem } = clientCertificate;
      if (der === undefined) return invalid(`the listener does not trust it: ${problem}`);
      const judged = shown.get(clientCertificate);
      if (judged !== undefined) return inTime(judged);
      const judgeNow = (digest: Uint8Array): Verdict => {
        const judged = judge(der, digest);
        shown.set(clientCertificate, judged);
        return inTime(judged);
      };
      const digest = platform.sha256(der);
      return digest instanceof Promise ? digest.then(judgeNow) : judgeNow(digest);
    },
    // No scheme is registered for it: the word is that of the drafts on secondary certificates.
    challenge: () => `ClientCertificate realm="${realm}"`,
    unready: () => (platform.clientCertificate === undefined ? "this runtime shows no client certificates" : undefined),
  };
}

/** Who calls by a certificate that holds, or why nobody does. */
function verdictOn(
  facts: ClientCertificateFacts,
  digest: Uint8Array,
  { name, subject: kind, ca }: ClientCertificatePlan,
  consumers: ReadonlyMap<string, ConsumerPlan["consumer"]>,
): Identity | GatewayError {
  const hash = digest.toHex();
  if (ca !== undefined && !facts.issuedBy(ca)) return invalid(`none of \`ca\` has signed it, but ${facts.issuer}`);
  const subjects = subjectsIn(kind, facts, hash);
  const [first] = subjects;
  if (first === undefined) return invalid(`it has no ${kind} that is a name`);
  const owners = new Set(subjects.flatMap((subject) => consumers.get(subject) ?? []));
  // Whoever got several names into one certificate must not choose among callers.
  if (owners.size > 1) return invalid(`it names ${owners.size} consumers`);
  if (kind === "cn" && subjects.length > 1) return invalid("it has several common names");
  const [consumer] = owners;
  const subject = subjects.find((each) => consumers.get(each) === consumer) ?? first;
  const claims: ClientCertificateClaims = {
    subject: facts.subject,
    issuer: facts.issuer,
    serial: facts.serial,
    cn: distinguishedName(facts.subject)?.commonNames ?? [],
    san: {
      dns: namesOf(facts, "dns"),
      uri: namesOf(facts, "uri"),
      email: namesOf(facts, "email"),
      ip: namesOf(facts, "ip"),
    },
    fingerprint: hash,
    "x5t#S256": digest.toBase64({ alphabet: "base64url", omitPadding: true }),
    notBefore: new Date(facts.notBefore).toISOString(),
    notAfter: new Date(facts.notAfter).toISOString(),
  };
  return { scheme: name, consumer, subject, scopes: [], claims: claims as unknown as AnyClaims, fields: [] };
}

function namesOf({ names }: ClientCertificateFacts, wanted: string): readonly string[] {
  return names.flatMap(([kind, name]) => (kind === wanted ? name : []));
}

/** The config has been checked: no name is two consumers'. */
function consumersBySubject(
  { name, subject }: ClientCertificatePlan,
  consumers: readonly ConsumerPlan[],
): ReadonlyMap<string, ConsumerPlan["consumer"]> {
  return new Map(
    consumers.flatMap(({ consumer, subjects }) =>
      (subjects[name] ?? []).flatMap((written) => {
        const normal = normalSubject(subject, written);
        return normal === undefined ? [] : [[normal, consumer] as const];
      }),
    ),
  );
}

/** Longest message: names in it are those of whoever got the certificate. */
const LONGEST = 300;

function invalid(why: string): GatewayError {
  return new GatewayError("invalid_credentials", `the client certificate: ${why}`.slice(0, LONGEST), {
    publicDetail: "The client certificate is not accepted.",
  });
}
