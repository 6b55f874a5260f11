// Who may ask the admin listener: no web page of somebody else's, and nobody without the token where there is one.
import type { AdminPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { normalAddress } from "../http/ip.ts";
import type { Platform } from "../platform.ts";

/** A browser says whence a page asks: these are the gateway's own pages, and what a person typed (Fetch Metadata). */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

const CHALLENGE = 'Bearer realm="sluice admin"';
const ENCODER = new TextEncoder();

/** Refuses who may not ask. `open` are what anybody may have who reaches the listener. @throws GatewayError */
export type Admission = (x: Exchange, open: boolean) => void;

/** Makes it of the plan. */
export function admission({ host, names, token }: AdminPlan, platform: Pick<Platform, "sha256">): Admission {
  const known = new Set(["localhost", host.toLowerCase(), ...names]);
  // Two digests are compared, not two texts: how long that takes tells nothing of the token.
  const digest = (text: string): Uint8Array => platform.sha256(ENCODER.encode(text)) as Uint8Array;
  const wanted = token && digest(token.reveal());
  return (x, open) => {
    const name = nameOf(x.authority);
    // A page can give its own name our address, but never an address or one of these names.
    if (!known.has(name) && normalAddress(name) === undefined) {
      const publicDetail = "The admin listener is not known by this name: admin.names lists those that it has.";
      throw new GatewayError("access_denied", `the name ${name} is not one of the listener's`, { publicDetail });
    }
    const origin = x.fields.get("origin");
    const site = x.fields.get("sec-fetch-site");
    if ((origin !== undefined && origin !== `${x.scheme}://${x.authority}`) || (site && !OWN_SITES.has(site))) {
      throw new GatewayError("origin_not_allowed", "a page of another origin asks");
    }
    if (wanted === undefined || open) return;
    const said = /^bearer +(\S+)$/i.exec(x.fields.joined("authorization") ?? "")?.[1];
    if (said === undefined) {
      throw new GatewayError("authentication_required", "no token", { fields: [["WWW-Authenticate", CHALLENGE]] });
    }
    if (!isEqual(digest(said), wanted)) {
      const challenge = `${CHALLENGE}, error="invalid_token"`;
      throw new GatewayError("invalid_credentials", "a wrong token", { fields: [["WWW-Authenticate", challenge]] });
    }
  };
}

/** The host of an authority, without port and brackets. */
function nameOf(authority: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(authority);
  return bracketed === null ? authority.replace(/:\d*$/, "") : bracketed[1]!;
}

/** Looks at every byte, whatever it finds. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a[at]! ^ b[at]!;
  return difference === 0;
}
