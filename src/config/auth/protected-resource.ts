// The API as a protected resource of OAuth: what is published about it (RFC 9728), its options and their schema.
import { isSafeUrl } from "../../http/safe-url.ts";
import { Problem } from "../fault.ts";
import { either, isPlainObject, list, maybe, options, then, type Shape } from "../shape.ts";
import { text } from "../values.ts";

/** What clients are told of the API, so that they find out where tokens for it come from. */
export interface ResourceOptions {
  /**
   * The identifier of the API: the URL at which clients know it, `https`, without query and fragment. It is the `resource`
   * for which clients ask tokens (RFC 8707), and so the `aud` of these.
   */
  id: string;
  /** Issuers of the authorization servers that give tokens for it. Default: the `issuer` of the scheme. */
  authorizationServers?: readonly string[];
  /** Scopes a client may ask for. */
  scopes?: readonly string[];
  /** The name of the API for people. */
  name?: string;
  /** URL of a page for developers. */
  documentation?: string;
}

/** The API as a protected resource. */
export interface ResourcePlan {
  readonly id: string;
  /** The origin of {@link ResourcePlan.id}. */
  readonly origin: string;
  /** Where its metadata is: path, and whole URL as clients know it. */
  readonly metadataPath: string;
  readonly metadataUrl: string;
  readonly authorizationServers: readonly string[];
  readonly scopes: readonly string[];
  readonly name: string | undefined;
  readonly documentation: string | undefined;
}

/** What stands in the config, before the issuer of the scheme is known. */
export type WrittenResource = Omit<ResourcePlan, "authorizationServers"> & {
  readonly authorizationServers: readonly string[] | undefined;
};

/** Where the well-known metadata begins (RFC 9728 section 3). */
const WELL_KNOWN = "/.well-known/oauth-protected-resource";

const AN_ID = 'the URL of the API, such as "https://api.example.com"';

/** A URL that is told to clients: https, or http on this machine. Its text is compared by them, and is kept as it is. */
function publicUrl(wanted: string): Shape<string> {
  return text(wanted, (written) => publicUrlProblem(wanted, written) ?? written);
}

function publicUrlProblem(wanted: string, written: string): Problem | undefined {
  if (!URL.canParse(written)) return new Problem(wanted);
  const url = new URL(written);
  if (url.username !== "" || url.password !== "") return new Problem(wanted, { hint: "It has no user and password." });
  if (!/^https?:$/.test(url.protocol)) return new Problem(wanted);
  return isSafeUrl(written) ? undefined : new Problem(wanted, { hint: "It is https, but on this machine." });
}

const identifier = text(
  AN_ID,
  (written): Pick<ResourcePlan, "id" | "origin" | "metadataPath" | "metadataUrl"> | Problem => {
    const problem = publicUrlProblem(AN_ID, written);
    if (problem !== undefined) return problem;
    const { origin, pathname } = new URL(written);
    if (/[?#]/.test(written)) return new Problem(AN_ID, { hint: "It has no query and no fragment." });
    if (!/^(?:\/[\w.~-]+)*\/?$/.test(pathname)) {
      return new Problem(AN_ID, { hint: 'Its path has letters, digits and "-._~", and no empty segment.' });
    }
    // What clients compare is the text: the one they would make of it themselves is the only one that is safe.
    const plain = pathname === "/" && !written.endsWith("/") ? origin : `${origin}${pathname}`;
    if (written !== plain) return new Problem(AN_ID, { hint: `Its plain form is "${plain}".` });
    const metadataPath = `${WELL_KNOWN}${pathname === "/" ? "" : pathname}`;
    return { id: written, origin, metadataPath, metadataUrl: `${origin}${metadataPath}` };
  },
);

const A_SCOPE = "a scope";
const scope = text(A_SCOPE, (name) => (/^[!#-[\]-~]+$/.test(name) ? name : new Problem(A_SCOPE)));
const A_NAME = "a name for people";
const displayName = text(A_NAME, (name) => (name === "" ? new Problem(A_NAME) : name));

const full = then(
  options({
    id: identifier,
    authorizationServers: maybe(list(publicUrl("the URL of an issuer"), "a list of at least one issuer", 1)),
    scopes: maybe(list(scope, "a list of scopes")),
    name: maybe(displayName),
    documentation: maybe(publicUrl("the URL of a page")),
  }),
  ({ id, authorizationServers, scopes = [], name, documentation }): WrittenResource => ({
    ...id,
    authorizationServers,
    scopes,
    name,
    documentation,
  }),
);

const short = then(identifier, (id): WrittenResource => ({
  ...id,
  authorizationServers: undefined,
  scopes: [],
  name: undefined,
  documentation: undefined,
}));

/** The URL of the API, or an object of options. */
export const resourceShape: Shape<WrittenResource> = either(isPlainObject, full, short);
