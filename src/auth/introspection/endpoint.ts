// The introspection endpoint: one question about one token, bounded in time and size (RFC 7662 section 2).
import type { IntrospectionPlan } from "../../config/auth/introspection.ts";
import type { FetchConnection, Platform } from "../../platform.ts";
import { boundedText, inTime, reasonOf } from "../../http/fetch-text.ts";

/** The endpoint could not be asked, or its answer is none. The message is for the operator. */
export class NoAnswer extends Error {
  override readonly name: string = "NoAnswer";
}

/** The endpoint is well, and does not want to be asked this. */
export class Unwanted extends NoAnswer {
  override readonly name = "Unwanted";
}

/** Asks about a token. Returns the answer's JSON object. Rejects with {@link NoAnswer}. */
export type Ask = (token: string) => Promise<Readonly<Record<string, unknown>>>;

/** What a server, or a filter before it, answers when it dislikes the question: the token in it is a stranger's. */
const UNWANTED: ReadonlySet<number> = new Set([400, 403, 413, 414, 422, 431]);

/** Most bytes of an introspection answer. */
const MOST_BYTES = 64 * 1024;

/**
 * Makes the function that asks. Redirects are not followed: the token would go along.
 * @param closing ends what is under way
 */
export function introspectionEndpoint(plan: IntrospectionPlan, platform: Platform, closing: AbortSignal): Ask {
  const { url, clientAuth, timeoutMs } = plan;
  const over = connectionOf(plan);
  const headers = {
    accept: "application/json",
    "accept-encoding": "identity",
    "content-type": "application/x-www-form-urlencoded",
    "user-agent": "sluice",
    ...(clientAuth === "basic" ? { authorization: basicCredentials(plan) } : {}),
  };
  const client: Record<string, string> =
    clientAuth === "post" ? { client_id: plan.clientId, client_secret: plan.clientSecret.reveal() } : {};

  const ask = async (token: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> => {
    const form = new URLSearchParams({ token, token_type_hint: "access_token", ...client });
    const request = new Request(url, { method: "POST", headers, body: form.toString(), redirect: "manual", signal });
    const response = await platform.fetch(request, over);
    try {
      const problem = headProblem(response);
      if (problem !== undefined) throw new (UNWANTED.has(response.status) ? Unwanted : NoAnswer)(problem);
      return readObject(await boundedText(response, MOST_BYTES));
    } catch (thrown) {
      void response.body?.cancel().catch(() => undefined);
      throw thrown;
    }
  };
  return (token) =>
    inTime(platform, timeoutMs, closing, (signal) => ask(token, signal)).catch((thrown: unknown) => {
      throw thrown instanceof NoAnswer ? thrown : new NoAnswer(reasonOf(thrown));
    });
}

/** What is wrong with the head of an answer: only one of status 200 that holds JSON says anything of a token. */
function headProblem({ status, headers }: Response): string | undefined {
  if (status === 401 || status === 403)
    return `it answered ${status}: clientId or clientSecret is wrong, or may not ask`;
  if (status !== 200) return `it answered ${status}`;
  const type = headers.get("content-type") ?? "";
  return /^application\/(?:json|[\w.-]+\+json)[ \t]*(?:;|$)/i.test(type)
    ? undefined
    : "its answer is not JSON by its type";
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What a parser says of a text holds parts of it.
    throw new NoAnswer("its answer is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new NoAnswer("its answer is no object");
  return value as Readonly<Record<string, unknown>>;
}

/** Both parts are encoded as in a form before they are joined (RFC 6749 section 2.3.1). */
function basicCredentials({ clientId, clientSecret }: IntrospectionPlan): string {
  const encoded = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1);
  const joined = `${encoded(clientId)}:${encoded(clientSecret.reveal())}`;
  return `Basic ${new TextEncoder().encode(joined).toBase64()}`;
}

function connectionOf({ url, tls }: IntrospectionPlan): FetchConnection {
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:") return { http2: false, tls: undefined };
  const { serverName = hostname.replace(/^\[|\]$/g, ""), ca, cert, key, verify } = tls;
  return { http2: false, tls: { serverName, ca, cert, key: key?.reveal(), verify } };
}
