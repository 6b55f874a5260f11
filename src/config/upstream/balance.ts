// The schema of who is picked among an upstream's targets.
import { callerByShape, cookieName } from "../caller-by.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { either, isPlainObject, leaf, maybe, options, or, then, type Shape } from "../shape.ts";
import type { Secret } from "../secrets.ts";
import { choice, duration, flag, hiddenText, text } from "../values.ts";
import type { BalancePlan, HashPlan, PickPlan, StickyPlan } from "./plan.ts";

const pick: Shape<PickPlan> = then(choice("round-robin", "random", "least-busy", "fastest", "first"), (kind) => ({
  kind,
}));

const by: Shape<HashPlan["by"]> = either(
  isPlainObject,
  callerByShape,
  then(choice("consumer", "address", "path"), (kind) => ({ kind })),
);

const bound: Shape<number | undefined> = leaf((value) => {
  if (value === false) return undefined;
  const right = typeof value === "number" && value > 1 && value <= 1000;
  return right ? value : new Problem("a number over 1, such as 1.25, or false");
});

const hash: Shape<HashPlan> = then(options({ hash: by, bound: or(bound, 1.25) }), ({ hash, bound }) => ({
  kind: "hash",
  by: hash,
  bound,
}));

/** Bytes below which a secret could be guessed. */
const SHORTEST_SECRET = 32;
const A_SECRET = 'env("NAME"), a secret that signs cookies';

function signingSecret(reader: ConfigReader): Shape<Secret> {
  return hiddenText(A_SECRET, reader, ({ text, secret }) => {
    if (secret === undefined) {
      return new Problem(A_SECRET, { found: false, hint: "A secret never stands in the config." });
    }
    const { length } = new TextEncoder().encode(text);
    if (length >= SHORTEST_SECRET) return secret;
    return new Problem(A_SECRET, { hint: `It has ${length} bytes: ${SHORTEST_SECRET} are the least.` });
  });
}

const A_PATH = 'a path such as "/" or "/app"';
const cookiePath = text(A_PATH, (path) => (/^\/[\x21-\x3a\x3c-\x7e]*$/.test(path) ? path : new Problem(A_PATH)));

const A_DOMAIN = 'a domain such as "example.com"';
const cookieDomain = text(A_DOMAIN, (domain) =>
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+$/i.test(domain) ? domain : new Problem(A_DOMAIN),
);

const wholeSeconds: Shape<number> = then(duration(1000), (ms) => Math.round(ms / 1000));

function stickyShape(reader: ConfigReader): Shape<StickyPlan> {
  const shape = options(
    {
      cookie: cookieName,
      secret: signingSecret(reader),
      balance: or(pick, "round-robin"),
      maxAge: maybe(wholeSeconds),
      path: or(cookiePath, "/"),
      domain: maybe(cookieDomain),
      secure: maybe(flag),
      httpOnly: or(flag, true),
      sameSite: or(choice("strict", "lax", "none"), "lax"),
    },
    cookieProblems,
  );
  return then(shape, ({ cookie, secret, balance, maxAge, path, domain, secure, httpOnly, sameSite }) => {
    const site = sameSite.charAt(0).toUpperCase() + sameSite.slice(1);
    const attributes = [
      `Path=${path}`,
      ...(domain === undefined ? [] : [`Domain=${domain}`]),
      ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
      ...(httpOnly ? ["HttpOnly"] : []),
      `SameSite=${site}`,
    ];
    return {
      kind: "sticky",
      cookie,
      secret,
      attributes: attributes.map((attribute) => `; ${attribute}`).join(""),
      secure,
      pick: balance,
    };
  });
}

/** What browsers would not take: prefixes of names promise what must then be so (RFC 6265bis section 4.1.3). */
function* cookieProblems({
  cookie = "",
  secure,
  path,
  domain,
  sameSite,
}: {
  readonly cookie?: string;
  readonly secure?: boolean | undefined;
  readonly path?: string;
  readonly domain?: string | undefined;
  readonly sameSite?: string;
}): Generator<Problem> {
  const forHost = /^__Host-/i.test(cookie);
  if (secure !== true && (forHost || /^__Secure-/i.test(cookie))) {
    yield new Problem("secure: true beside it", {
      at: ["cookie"],
      hint: "Browsers refuse such a name without Secure.",
    });
  }
  if (forHost && (domain !== undefined || (path !== undefined && path !== "/"))) {
    const hint = "Browsers refuse a name with __Host- that has a domain or another path.";
    yield new Problem('path "/" and no domain beside it', { at: ["cookie"], hint });
  }
  if (sameSite === "none" && secure !== true) {
    const hint = "Browsers refuse SameSite=None without Secure.";
    yield new Problem("secure: true beside it", { at: ["sameSite"], hint });
  }
}

/** Checks the option `balance` of an upstream. */
export function balanceShape(reader: ConfigReader): Shape<BalancePlan> {
  const sticky = then(options({ sticky: stickyShape(reader) }), ({ sticky }) => sticky);
  const named = either((value) => Object.hasOwn(Object(value) as object, "sticky"), sticky, hash);
  return either(isPlainObject, named, pick);
}
