// The schema of what a caller must be to pass a route.
import { isToken } from "../../http/message.ts";
import { shortList } from "../describe.ts";
import { Problem } from "../fault.ts";
import { range } from "../listen.ts";
import { leaf, list, maybe, named, oneOrMore, options, or, then, type Shape } from "../shape.ts";
import { choice, text } from "../values.ts";
import type { AllowExchange } from "./options.ts";
import type { AllowPlan, AllowRulePlan } from "./plan.ts";

/** Names that rules may refer to. */
export interface AllowNames {
  readonly consumers: readonly string[];
  readonly groups: readonly string[];
  /** Whether consumers also come from a file, so that names which the config lacks may be right. */
  readonly open: boolean;
}

/** Conditions that look at who calls. */
export const IDENTITY_CONDITIONS = ["consumers", "groups", "scope", "claims"] as const;

/** Checks the option `allow` of a route. */
export function allowShape(names: AllowNames): Shape<AllowPlan> {
  const rule = ruleEntries(names);
  const any = list(then(options(rule, ruleProblems), rulePlan), "a list of at least one rule", 1);
  const shape = options({ ...rule, any: maybe(any), mode: or(choice("enforce", "observe"), "enforce") }, ruleProblems);
  return then(shape, ({ any = [], mode, ...rest }) => ({ ...rulePlan(rest), any, observe: mode === "observe" }));
}

const A_SCOPE = "a scope";
/** A scope token (RFC 6749 section 3.3). */
const scope = text(A_SCOPE, (name) =>
  /^[!#-[\]-~]+$/.test(name) ? name : new Problem(A_SCOPE, { hint: "A scope has no blanks: write several as a list." }),
);

const A_VALUE = "a text, a number, true or false";
const claimValue = leaf((value) =>
  typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
    ? value
    : new Problem(A_VALUE),
);

const A_METHOD = 'a method such as "GET"';
const method = text(A_METHOD, (name) => (isToken(name) ? name.toUpperCase() : new Problem(A_METHOD)));

const A_FUNCTION = "a function that returns true or false";
const when = leaf((value) =>
  typeof value === "function" ? (value as (x: AllowExchange) => boolean | Promise<boolean>) : new Problem(A_FUNCTION),
);

/** The name of a consumer or a group. */
export function reference(kind: "consumer" | "group", known: readonly string[], open: boolean): Shape<string> {
  return text(`the name of a ${kind}`, (name) => {
    if (open || known.includes(name)) return name;
    const hint = known.length === 0 ? `No ${kind} has a name.` : `There are: ${shortList(known)}.`;
    return new Problem(`a ${kind}`, { hint, nearest: [name, known] });
  });
}

// eslint-disable-next-line typescript/explicit-function-return-type
function ruleEntries({ consumers, groups, open }: AllowNames) {
  const consumerList = list(reference("consumer", consumers, open), "a list of consumers");
  const groupList = list(reference("group", groups, false), "a list of groups");
  const ranges = list(range, "a list of IP addresses and ranges");
  const claims = named(oneOrMore(claimValue, A_VALUE), "an object of values by claim", (name) =>
    name === "" ? new Problem("the name of a claim") : undefined,
  );
  return {
    consumers: maybe(consumerList),
    groups: maybe(groupList),
    scope: maybe(oneOrMore(scope, A_SCOPE)),
    claims: maybe(claims),
    addresses: maybe(ranges),
    methods: maybe(list(method, "a list of methods")),
    when: maybe(when),
    except: maybe(options({ consumers: maybe(consumerList), groups: maybe(groupList), addresses: maybe(ranges) })),
  };
}

type Entries = ReturnType<typeof ruleEntries>;
type Rule = { readonly [K in keyof Entries]: Entries[K] extends Shape<infer T> ? T : never };

function rulePlan(rule: Rule): AllowRulePlan {
  const { consumers, groups, scope, claims = [], addresses, methods, when, except } = rule;
  return {
    consumers,
    groups,
    scope,
    claims,
    addresses,
    methods: methods?.includes("GET") === true ? [...methods, "HEAD"] : methods,
    when,
    except: {
      consumers: except?.consumers ?? [],
      groups: except?.groups ?? [],
      addresses: except?.addresses ?? [],
    },
  };
}

/** An empty list would let nobody pass, which is not what anybody means by it. */
function* ruleProblems(right: Partial<Rule>): Generator<Problem> {
  for (const key of ["consumers", "groups", "addresses", "methods"] as const) {
    if (right[key]?.length !== 0) continue;
    yield new Problem("a list of at least one", {
      at: [key],
      found: "[]",
      hint: "An empty list would let nobody pass.",
    });
  }
}
