// The schema of the access log.
import { isToken } from "../../http/message.ts";
import { CREDENTIAL_FIELDS, CREDENTIAL_PARAMETERS } from "../../record/redact.ts";
import { MEMBERS } from "../../record/log/members.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { chained, either, leaf, list, maybe, named, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { choice, duration, flag, share, statusOrClass, text } from "../values.ts";
import type { LogFieldsPlan, LogFilterPlan, LogPlan, LogSamplePlan, LogSinkPlan } from "./plan.ts";
import { sinkShape, twiceIn } from "./sink.ts";

const SINKS = "a list of places where lines go";
const A_PARAMETER = "the name of a query parameter";
const A_FIELD = "a field name";
const A_MEMBER = "the name of a member of a line";
const A_VALUE = "a text, a number, true or false";

const parameter = text(A_PARAMETER, (name) => (name === "" ? new Problem(A_PARAMETER) : name.toLowerCase()));

/** Names of query parameters, in lower case. Default: none. */
export const parameterNames = or(list(parameter, "a list of names of query parameters"), []);

const field = text(A_FIELD, (name) => {
  if (isToken(name)) return name.toLowerCase();
  return new Problem(A_FIELD, { hint: 'A name has letters, digits and "-".' });
});

const fieldNames = then(or(list(field, "a list of field names"), []), (names) => [...new Set(names)]);

const known = [...new Set(Object.values(MEMBERS).flat())];

const member = text(A_MEMBER, (name) =>
  known.includes(name) ? name : new Problem(A_MEMBER, { nearest: [name, known] }),
);

const value = leaf((written) => {
  if (typeof written === "boolean" || typeof written === "string") return written;
  return typeof written === "number" && Number.isFinite(written) ? written : new Problem(A_VALUE);
});

const members = named(value, "an object of members and their values", (name) => {
  if (name === "" || name.length > 64) return new Problem("a name of at most 64 characters");
  return known.includes(name)
    ? new Problem("a name of your own", { hint: "The gateway writes this member itself." })
    : undefined;
});

const fields: Shape<LogFieldsPlan> = options({
  request: fieldNames,
  response: fieldNames,
  set: or(members, {}),
  remove: or(list(member, "a list of names of members"), []),
});

const statuses = oneOrMore(statusOrClass, "a status or a list of statuses");

const only: Shape<LogFilterPlan> = then(
  options(
    { status: maybe(statuses), minDuration: maybe(duration(1)), retried: maybe(choiceOfTrue()) },
    function* (_, written) {
      if (Object.values(written).some((each) => each !== undefined)) return;
      yield new Problem("at least one of status, minDuration, retried", { hint: "Without `only` all are written." });
    },
  ),
  ({ status = [], minDuration, retried = false }) => ({ statuses: status, minMs: minDuration, retried }),
);

function choiceOfTrue(): Shape<true> {
  return leaf((written) => (written === true ? written : new Problem("true")));
}

/** @param routes names of routes, right or wrong */
function sampleShape(routes: readonly string[]): Shape<LogSamplePlan> {
  const wanted = "the name of a route";
  const route = text(wanted, (name) =>
    routes.includes(name)
      ? name
      : new Problem(wanted, { nearest: [name, routes], hint: `Routes are ${routes.join(", ")}.` }),
  );
  return then(
    options({
      share: share,
      status: maybe(statuses),
      route: maybe(oneOrMore(route, "the name of a route, or a list")),
    }),
    ({ share, status, route }) => ({ share, statuses: status, routes: route }),
  );
}

/**
 * Whether and how exchanges are logged. `true` is an object without options.
 * @param routes names of routes, right or wrong
 * @param gateway the gateway's name
 */
export function logShape(routes: readonly string[], gateway: string, reader: ConfigReader): Shape<LogPlan | false> {
  const rule = sampleShape(routes);
  const sink = sinkShape(reader);
  const logOptions: Shape<LogPlan> = then(
    options(
      {
        format: or(choice("auto", "json", "ecs", "caddy", "combined", "common", "pretty"), "auto"),
        to: or(
          either(
            Array.isArray,
            list(sink, SINKS, 1),
            then(sink, (one) => [one]),
          ),
          "stdout",
        ),
        fields: or(fields, {}),
        only: maybe(only),
        sample: or(
          either(
            Array.isArray,
            list(rule, "a list of rules"),
            then(rule, (one) => [one]),
          ),
          [],
        ),
        redactQuery: parameterNames,
      },
      (_, written) => twiceIn(written["to"]),
    ),
    ({ format, to, redactQuery, fields, ...rest }) => ({
      ...rest,
      members: fields,
      to: to.map((sinkOf): LogSinkPlan =>
        sinkOf === "stdout"
          ? { kind: "stdout", format }
          : sinkOf(format === "auto" || format === "pretty" ? "json" : format, gateway),
      ),
      redactQuery: [...new Set([...CREDENTIAL_PARAMETERS, ...redactQuery])],
      redactFields: CREDENTIAL_FIELDS,
    }),
  );
  const written = chained(
    leaf((value) => (value === undefined || value === true ? {} : value)),
    logOptions,
  );
  return either(
    (value) => value === false,
    then(flag, (): false => false),
    written,
  );
}
