// What is masked in records: values of credentials in a query, on the raw text, and fields that hold credentials.
import { wireText } from "../http/latin1.ts";

/**
 * Query parameters whose values are masked whatever the config says: names under which credentials travel, of logins and
 * sessions, of OAuth (RFC 6749, 7521, 7636, 8628, 8693), OpenID Connect, SAML, WS-Federation and CAS, and those of
 * OpenTelemetry's HTTP conventions and of other object stores (signed URLs). In lower case.
 */
export const CREDENTIAL_PARAMETERS: readonly string[] = [
  ...["access_token", "access-token", "accesstoken", "api_key", "api-key", "apikey", "x-api-key", "api_token", "key"],
  ...["token", "auth_token", "auth-token", "authtoken", "auth", "authorization", "bearer", "jwt", "hmac", "credential"],
  ...["access_key", "accesskey", "secret", "secret_key", "secretkey", "private_key", "subscription-key"],
  ...[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "otp",
    "totp",
    "csrf_token",
    "_csrf",
    "authenticity_token",
  ],
  ...["session", "session_id", "sessionid", "session_token", "sid", "jsessionid", "phpsessid"],
  ...["code", "code_verifier", "client_secret", "client_assertion", "assertion", "refresh_token", "device_code"],
  ...["user_code", "subject_token", "actor_token", "oauth_token", "oauth_token_secret", "oauth_verifier"],
  ...["id_token", "id_token_hint", "login_hint_token", "logout_token", "registration_access_token"],
  ...["samlresponse", "samlart", "wresult", "ticket"],
  ...["signature", "sig", "oauth_signature", "awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "security-token"],
  ...["x-amz-signature", "x-amz-credential", "x-amz-security-token"],
  ...["x-goog-signature", "x-goog-credential", "x-goog-security-token"],
  ...["x-oss-signature", "x-oss-credential", "x-oss-security-token", "q-signature", "x-cos-security-token"],
];

/**
 * Fields whose values are masked, in lower case: those in which credentials travel, those that a proxy in front sets to
 * tell who calls or of a client's certificate, and the subprotocols of WebSocket, where browsers must put a token.
 */
export const CREDENTIAL_FIELDS: readonly string[] = [
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "dpop", "signature"],
  ...["x-auth-token", "x-access-token", "x-csrf-token", "x-xsrf-token", "x-amz-security-token", "x-vault-token"],
  ...["x-refresh-token", "x-id-token", "x-session-token", "x-session-id", "x-goog-api-key", "x-functions-key"],
  ...["ocp-apim-subscription-key", "private-token", "job-token", "x-gitlab-token", "x-registry-auth"],
  ...["x-consul-token", "x-nomad-token", "x-shopify-access-token", "x-rapidapi-key", "x-ms-authorization-auxiliary"],
  ...["x-forwarded-authorization", "x-original-authorization", "x-serverless-authorization"],
  ...["x-forwarded-access-token", "x-forwarded-id-token", "x-auth-request-access-token", "x-goog-iap-jwt-assertion"],
  ...["cf-access-jwt-assertion", "cf-access-token", "cf-access-client-secret", "x-amzn-oidc-data"],
  ...["x-amzn-oidc-accesstoken", "x-ms-token-aad-access-token", "x-ms-token-aad-id-token", "x-ms-client-principal"],
  ...["client-cert", "client-cert-chain", "x-forwarded-client-cert", "x-client-cert", "ssl-client-cert"],
  ...["sec-websocket-protocol"],
];

/** Stands in place of what is secret. */
export const MASK = "REDACTED";
const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const PLUS = 0x2b;
const OPENING_BRACKET = 0x5b;

/**
 * A function that takes a query, with or without its "?", and gives it back with `REDACTED` in place of the values of
 * `names` and of {@link CREDENTIAL_PARAMETERS}. Names are compared percent-decoded and without case. Where servers read
 * a query differently the careful reading counts: a parameter may also begin after ";", a value reaches to the next
 * "&" or the end, and in `user[password]` each part is a name.
 */
export function queryRedactor(names: readonly string[]): (query: string) => string {
  const secret = new Set([...CREDENTIAL_PARAMETERS, ...names].map((name) => lowerAscii(wireText(name))));
  /** Most names are told from secret ones by length and first letter alone. */
  const shapes = new Uint8Array(SHAPES);
  for (const name of secret) shapes[shapeOf(name.length, name.charCodeAt(0))] = 1;

  const isSecret = (name: string): boolean => {
    const read = lowerAscii(decoded(name)).trim();
    if (secret.has(read)) return true;
    return read.includes("[") && read.split(/[[\]]/).some((part) => secret.has(part));
  };

  return (query) => {
    if (query.length < 3) return query;
    let masked = "";
    let kept = 0;
    let nameAt = query.charCodeAt(0) === 0x3f ? 1 : 0;
    let plain = true;
    for (let i = nameAt; i < query.length; i++) {
      const code = query.charCodeAt(i);
      if (code === AMPERSAND || code === SEMICOLON) {
        nameAt = i + 1;
        plain = true;
      } else if (code === PERCENT || code === PLUS || code === OPENING_BRACKET || code <= 0x20) {
        plain = false;
      } else if (code === EQUALS) {
        const candidate = nameAt < i && (!plain || shapes[shapeOf(i - nameAt, query.charCodeAt(nameAt))] === 1);
        if (candidate && isSecret(query.slice(nameAt, i))) {
          const ampersand = query.indexOf("&", i);
          const end = ampersand < 0 ? query.length : ampersand;
          masked += query.slice(kept, i + 1) + MASK;
          kept = end;
          i = end - 1;
        } else {
          // The rest up to the next separator is value: a second "=" in it names nothing.
          nameAt = query.length;
        }
      }
    }
    return kept === 0 ? query : masked + query.slice(kept);
  };
}

const SHAPES = 64 * 32;

function shapeOf(length: number, first: number): number {
  return (length & 63) * 32 + (first & 31);
}

function decoded(name: string): string {
  return name
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Only ASCII letters: the rest are bytes of UTF-8 that have no case. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
