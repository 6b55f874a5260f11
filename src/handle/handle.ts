// The user's own code on the way: Hono middleware (`use`) and handlers, in a Hono app folded once for each route.
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Identity } from "../config/auth/options.ts";
import type { RoutePlan } from "../config/plan.ts";
import type { Handler } from "../config/options.ts";
import type { Exchange, LastStage } from "../exchange.ts";
import { type Content, isStream } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";
import { StreamBody } from "../http/stream-body.ts";
import { bodyFromStream } from "../http/web-body.ts";
import { answerToResponse } from "../http/web-answer.ts";
import { answerOf, requestOf, settledAnswerOf } from "../http/web-message.ts";

/** Under these keys the app's `env` carries the exchange and its request; no binding can have them. */
const EXCHANGE = Symbol("exchange");
const REQUEST = Symbol("request");

/** Stands for an answer that no Response can be: a tunnel. */
const TUNNEL_STATUS = 204;

/**
 * The last stage of a route whose way passes the user's middleware. What they change in the request's fields or content
 * is forwarded, and what they change in the response is sent; field names become lower case on this way.
 */
export function handleStage(route: RoutePlan, inner: LastStage | Handler, kind: "stage" | "handler"): LastStage {
  const app = new Hono();
  if (route.use.length > 0) {
    app.use((c, next) => {
      nameTypes(c);
      return next();
    });
  }
  for (const middleware of route.use) app.use(middleware);
  const last = kind === "handler" ? callHandler(inner as Handler) : forward(inner as LastStage);
  app.all("*", last);
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse();
    throw error;
  });
  return async (x) => {
    const { env, context } = x.bindings;
    const request = requestOf(x);
    let response: Response;
    try {
      response = await app.fetch(request, { ...env, [EXCHANGE]: x, [REQUEST]: request }, context as never);
    } catch (thrown) {
      letGo(x, null);
      throw thrown;
    } finally {
      settled.add(x);
      // Middleware answered by itself (a timeout, say): the target is not waited for.
      if (underWay.has(x)) x.left.giveUp();
    }
    const tunnelled = x.answer;
    if (tunnelled !== undefined && response.status === TUNNEL_STATUS) {
      x.answer = undefined;
      return tunnelled;
    }
    letGo(x, response.body);
    refuseUnusable(response, context !== undefined);
    // A runtime that gives a context frames by itself, and best what it has not lost sight of.
    return context === undefined ? settledAnswerOf(response) : answerOf(response);
  };
}

/** The upstream's content, as middleware sees it. */
const passedOnTo = new WeakMap<Exchange, ReadableStream<Uint8Array>>();

/** Exchanges whose user code has answered, and those that wait for a target. */
const settled = new WeakSet<Exchange>();
const underWay = new WeakSet<Exchange>();

/** Middleware answers with something else than the upstream: nobody will read what that sends. */
function letGo(x: Exchange, body: Response["body"]): void {
  const tunnel = x.answer?.tunnel;
  x.answer = undefined;
  tunnel?.upstream.destroy();
  tunnel?.closed(0, 0);
  const passedOn = passedOnTo.get(x);
  if (passedOn !== undefined && passedOn !== body && !passedOn.locked) void passedOn.cancel().catch(() => undefined);
}

/** Refuses what a runtime takes for a Response and no client for an answer. On Cloudflare a 101 carries a WebSocket. */
function refuseUnusable(response: Response, switches: boolean): void {
  const { status } = response;
  if (status < 200 && !(switches && status === 101))
    throw new TypeError(`the user's code answered with status ${status}, which ends no exchange`);
  if (response.bodyUsed) throw new TypeError("the user's code answered with a Response whose body it has read itself");
}

function exchangeOf(c: Context): Exchange {
  return (c.env as Record<symbol, Exchange>)[EXCHANGE]!;
}

/** Who calls, for Hono middleware in `use`; undefined on a route without `auth`, or when its schemes only observe. */
export function identityOf(c: Context): Identity | undefined {
  return (c.env as Record<symbol, Exchange | undefined> | undefined)?.[EXCHANGE]?.identity;
}

/**
 * Has Hono write the type of `c.text()` itself: its short way leaves that to the runtime's Response, and Bun's shows none
 * (the Fetch standard, "extract a body", wants text/plain).
 */
function nameTypes(c: Context): void {
  c.header("content-type", undefined);
}

function callHandler(handler: Handler): (c: Context) => Response | Promise<Response> {
  return (c) => {
    const x = exchangeOf(c);
    nameTypes(c);
    const { params, client, id, identity } = x;
    const answer = handler({ request: c.req.raw, params, client, id, identity, c });
    return answer instanceof Promise ? answer.then(answered) : answered(answer);
  };
}

/** Hono takes a handler that returns nothing for one that has not found anything. */
function answered(answer: Response | undefined): Response {
  if (answer === undefined) throw new TypeError("the handler answered with nothing: it must return a Response");
  return answer;
}

function forward(inner: LastStage): (c: Context) => Promise<Response> {
  return async (c) => {
    const x = exchangeOf(c);
    takeOver(c.req.raw.headers, x.fields);
    if (x.method !== "GET" && x.method !== "HEAD") x.content = await contentOf(c, x);
    underWay.add(x);
    const answer = await inner(x);
    underWay.delete(x);
    if (settled.has(x)) {
      // Nobody will read this one.
      answer.discard();
      throw new Error("the user's code answered before the target did");
    }
    if (answer.tunnel === undefined) {
      const response = answerToResponse(answer);
      if (response.body !== null) passedOnTo.set(x, response.body);
      return response;
    }
    x.answer = answer;
    return new Response(null, { status: TUNNEL_STATUS });
  };
}

/** What middleware changed in the request's fields; the lines that it left alone keep their spelling and place. */
function takeOver(headers: Headers, fields: Fields): void {
  for (const key of new Set(fields.keys)) if (!headers.has(key)) fields.delete(key);
  for (const [key, value] of headers) {
    const joined = key === "cookie" ? fields.all(key).join("; ") : fields.joined(key);
    if (joined !== value) fields.set(key, value);
  }
}

/** The content as middleware left it: unread, read and kept by Hono, or that of another request in its place. */
async function contentOf(c: Context, x: Exchange): Promise<Content> {
  const { raw } = c.req;
  if (raw.bodyUsed) return new Uint8Array(await c.req.arrayBuffer());
  const unchanged = raw === (c.env as Record<symbol, Request>)[REQUEST];
  // Bytes can be sent again, a stream cannot.
  if (unchanged && !isStream(x.content)) return x.content;
  if (raw.body === null) return null;
  // What its fields say of the length may have been copied from the first.
  const body = bodyFromStream(raw.body, unchanged ? x.content!.length : undefined);
  return body instanceof StreamBody && !unchanged ? ((await body.whole()) ?? body) : body;
}
