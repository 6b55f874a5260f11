// Where a token stands in a request: the field of the scheme, or its cookie where the field is not there.
import type { JwtPlan } from "../../config/auth/jwt.ts";
import { GatewayError } from "../../errors.ts";
import { cookieValues } from "../../http/cookies.ts";
import type { Fields } from "../../http/fields.ts";
import type { ShownToken, TokenBinding } from "../token-binding.ts";

type Shown = ShownToken | GatewayError | undefined;

/** Makes the function that finds the token. */
export function tokenPlace({ header, cookie }: JwtPlan, binding: TokenBinding): (fields: Fields) => Shown {
  const inField = header === "authorization" ? (fields: Fields) => binding.shown(fields) : alone(header);
  if (cookie === undefined) return inField;
  return (fields) => inField(fields) ?? inCookie(fields, cookie);
}

/** A field of its own, such as those of identity-aware proxies: the token alone, or `Bearer` before it. */
function alone(header: string): (fields: Fields) => Shown {
  return (fields) => {
    const values = fields.all(header);
    if (values.length > 1) return twice(`the field ${header}`);
    const token = values[0]?.replace(/^bearer +/i, "");
    return token === undefined || token === "" ? undefined : { token, by: "Bearer" };
  };
}

/** Cookies of one name may be set for several paths: when they differ it cannot be told which is meant. */
function inCookie(fields: Fields, name: string): Shown {
  const tokens = cookieValues(fields, name);
  const [token] = tokens;
  if (tokens.size > 1) return twice(`the cookie ${name}`);
  return token === undefined ? undefined : { token, by: "Bearer" };
}

function twice(what: string): GatewayError {
  return new GatewayError("malformed_credentials", `${what} stands there more than once`, {
    publicDetail: "The token stands there more than once.",
  });
}
