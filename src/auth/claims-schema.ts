// Claims as the user's own schema reads them.
import type { ClaimsIssue, ClaimsResult, ClaimsSchema } from "../config/auth/claims-schema.ts";
import type { AnyClaims } from "../config/auth/options.ts";
import { GatewayError, namedMessageOf } from "../errors.ts";

/** What comes of the claims: what the schema gives for them, or why they are refused. */
export type ReadClaims = AnyClaims | GatewayError;

/**
 * Makes the function that reads verified claims. Without a schema they stay as they are. Claims that do not fit it are
 * `invalid_credentials`, told by the names of the claims alone; a schema that fails itself is
 * `authentication_unavailable`. The function never throws, and no promise it gives rejects.
 */
export function claimsReader(
  schema: ClaimsSchema | undefined,
): (claims: AnyClaims) => ReadClaims | Promise<ReadClaims> {
  if (schema === undefined) return (claims) => claims;
  const standard = schema["~standard"];
  return (claims) => {
    try {
      const result = standard.validate(claims);
      return result instanceof Promise ? result.then(read, failed) : read(result);
    } catch (thrown) {
      return failed(thrown);
    }
  };
}

function read(result: ClaimsResult<unknown>): ReadClaims {
  if (result.issues !== undefined) {
    const names = [...new Set(result.issues.map(nameOf))].slice(0, 8).join(", ");
    return new GatewayError("invalid_credentials", `the claims do not fit the schema: ${names}`, {
      publicDetail: "The claims of the token are not what is wanted here.",
    });
  }
  const { value } = result;
  return typeof value === "object" && value !== null ? (value as AnyClaims) : failed("it gives no object");
}

function nameOf({ path = [] }: ClaimsIssue): string {
  const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
  return keys.length === 0 ? "as a whole" : keys.join(".").slice(0, 80);
}

function failed(cause: unknown): GatewayError {
  const reason = namedMessageOf(cause);
  return new GatewayError("authentication_unavailable", `the schema of the claims failed: ${reason}`, { cause });
}
