// Forward-auth: a service is shown the head of the request, and says who sent it or what the client gets instead.
import type { Answer } from "../answer.ts";
import type { Identity } from "../config/auth/options.ts";
import type { ForwardAuthPlan } from "../config/auth/forward-auth.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { isStream } from "../http/body.ts";
import { discard } from "../http/discard.ts";
import { Fields } from "../http/fields.ts";
import type { AuthServices, Scheme, Verdict } from "./scheme.ts";

/**
 * Fields that tell of the content, of this connection, or of what the client has already: they mean nothing to the service,
 * or another thing (a conditional request would be answered 304 by it).
 */
const NOT_ASKED =
  /^(?:content-.*|expect|range|if-(?:match|none-match|modified-since|unmodified-since|range)|sec-websocket-(?:key|version|extensions|accept))$/;

/** Most bytes of an accepting answer's content that are read so that its connection can serve again. */
const MOST_DISCARDED = 64 * 1024;

/** The scheme of a plan with `kind: "forward-auth"`; `services.ask` sends its questions. */
export function createForwardAuth(plan: ForwardAuthPlan, services: AuthServices): Scheme {
  const { name, copy, subject, cookies } = plan;
  const ask = services.ask(name);
  const fieldsFor = fieldSelection(plan.requestFields);
  // What the service puts into Authorization takes the place of the caller's own.
  const replaces = copy.some(([, to]) => to.toLowerCase() === "authorization");

  const unusable = (why: string, cause?: unknown): GatewayError =>
    new GatewayError("authentication_unavailable", `${plan.upstream.targets[0]!.url}: ${why}`, { cause });
  const accept = (x: Exchange, answer: Answer): Verdict => {
    const { content } = answer;
    const timer = isStream(content) ? services.platform.setTimer(() => content.cancel(), plan.timeoutMs) : undefined;
    discard(content, MOST_DISCARDED, () => services.platform.clearTimer(timer));
    const callers = new Set(subject === undefined ? [] : answer.fields.all(subject).filter((value) => value !== ""));
    if (callers.size > 1) return unusable(`it names ${callers.size} callers in ${subject}`);
    const [caller] = callers;
    const copied = copiedFields(answer.fields, copy);
    if (copied.some(([, value]) => CONTROL.test(value))) return unusable("a field to copy holds a control character");
    x.cookies = cookiesOf(answer.fields, cookies);
    return {
      scheme: name,
      consumer: services.consumerOf(name, caller),
      subject: caller,
      scopes: [],
      claims: {},
      fields: copied,
    };
  };
  return {
    name,
    observe: plan.observe,
    credentialFields: replaces ? ["authorization"] : [],
    forwards: false,
    identify: (x) =>
      ask(x, fieldsFor(x.fields)).then(
        (answer) => (answer.status >= 200 && answer.status < 300 ? accept(x, answer) : answer),
        (thrown: unknown) => {
          const error = toGatewayError(thrown);
          return x.left.yes ? error : unusable(error.message, error);
        },
      ),
    // The service's refusals carry their own.
    challenge: () => undefined,
  };
}

/** What the service sees of the client's fields. `Connection` goes along for what it names: both end here. */
function fieldSelection(chosen: readonly string[] | undefined): (fields: Fields) => Fields {
  const taken =
    chosen === undefined
      ? (key: string): boolean => !NOT_ASKED.test(key)
      : (key: string): boolean => key === "connection" || chosen.includes(key);
  return ({ names, keys, values }) => {
    const fields = new Fields();
    for (let i = 0; i < names.length; i++) if (taken(keys[i]!)) fields.add(names[i]!, values[i]!);
    return fields;
  };
}

/** The lines to set, in the order of the config. A field without a value says nothing: the upstream gets none. */
function copiedFields({ keys, values }: Fields, copy: ForwardAuthPlan["copy"]): Identity["fields"] {
  const copied: [name: string, value: string][] = [];
  for (const [from, to] of copy) {
    for (let i = 0; i < keys.length; i++) if (keys[i] === from && values[i] !== "") copied.push([to, values[i]!]);
  }
  return copied;
}

function cookiesOf(fields: Fields, names: readonly string[]): readonly string[] {
  if (names.length === 0) return NO_COOKIES;
  return fields.all("set-cookie").filter((line) => names.includes(line.slice(0, line.indexOf("=")).trim()));
}

/** What no field may hold, and a runtime's own reader of answers might let pass (RFC 9110 section 5.5). */
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

const NO_COOKIES: readonly string[] = [];
