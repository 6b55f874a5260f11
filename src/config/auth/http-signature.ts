// HTTP message signatures: the options of the scheme, and their schema.
import { isToken } from "../../http/message.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import type { Duration, Size } from "../options.ts";
import { list, maybe, options, or, then, type Shape } from "../shape.ts";
import { readTargetUrl } from "../upstream/target.ts";
import { choice, duration, flag, size, text, whole } from "../values.ts";
import { type NoClaims, type SchemeCommon, SchemeOptions } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { commonEntries, commonPlan } from "./scheme-common.ts";

/** What a signature must be to be accepted. */
export interface HttpSignatureOptions extends SchemeCommon {
  /**
   * What it must cover, beside `content-digest` where there is content. `"@authority"`, `"@path"` and `"@query"` together do
   * for `"@target-uri"`. Default: `["@method", "@target-uri"]`.
   */
  components?: readonly string[];
  /** Whether a request with content must have a Content-Digest that is covered. Default: `true`. */
  contentDigest?: boolean;
  /** Most bytes of content with a covered Content-Digest: it is read whole before any of it goes on. Default: `"1MiB"`. */
  maxContent?: Size;
  /** How long after `created` it is good. Default: `"5m"`. */
  maxAge?: Duration;
  /** How far the caller's clock may be off. Default: `"30s"`. */
  leeway?: Duration;
  /** `"required"`: each must carry a nonce. A nonce that comes is good once either way. Default: `"optional"`. */
  nonce?: "optional" | "required";
  /** Most nonces of one key within `maxAge` and twice `leeway`; more are refused with 503. Default: `100000`. */
  maxNonces?: number;
  /** Only the signature of this label is looked at. Default: any, the first that is accepted. */
  label?: string;
  /** Only signatures with this `tag` are looked at. */
  tag?: string;
  /** Under which origin callers know the gateway: `"https://api.example.com"`. Default: as the request says. */
  origin?: string;
  /** Whether the upstream sees the signature. Default: `true`. */
  forward?: boolean;
}

/** How HTTP message signatures are judged. */
export interface HttpSignaturePlan extends SchemeCommonPlan {
  readonly kind: "http-signature";
  /** Names as they stand in a signature. */
  readonly components: readonly string[];
  readonly contentDigest: boolean;
  readonly maxContent: number;
  readonly maxAgeMs: number;
  readonly leewayMs: number;
  readonly nonce: "optional" | "required";
  readonly maxNonces: number;
  readonly label: string | undefined;
  readonly tag: string | undefined;
  readonly origin: { readonly scheme: string; readonly authority: string } | undefined;
  readonly forward: boolean;
}

/**
 * Callers sign their requests (RFC 9421). The keys stand with the consumers:
 * `consumers: { acme: { signingKeys: [{ id: "acme-1", algorithm: "ed25519", key: "acme.pem" }] } }`.
 */
export function httpSignature(options: HttpSignatureOptions = {}): SchemeOptions<NoClaims> {
  return new SchemeOptions("http-signature", options);
}

/** Components that say all of something, without parameters. */
const DERIVED = ["@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query"];
const A_COMPONENT = 'a component such as "@method", or the name of a field';

const component = text(A_COMPONENT, (name) => {
  if (name.startsWith("@") && !DERIVED.includes(name)) return new Problem(A_COMPONENT, { nearest: [name, DERIVED] });
  return name.startsWith("@") || isToken(name) ? name.toLowerCase() : new Problem(A_COMPONENT);
});

const A_LABEL = "the label of a signature";
const label = text(A_LABEL, (written) => {
  if (/^[a-z*][a-z0-9_.*-]{0,63}$/.test(written)) return written;
  return new Problem(A_LABEL, { hint: "It is a key of a structured field: lower-case letters and digits (RFC 9651)." });
});

const tag = text("a tag", (written) => (/^[\x20-\x7e]{1,128}$/.test(written) ? written : new Problem("a tag")));

const AN_ORIGIN = 'an origin such as "https://api.example.com"';
const origin = text(AN_ORIGIN, (written) => {
  const address = readTargetUrl(written);
  if (address instanceof Problem)
    return new Problem(AN_ORIGIN, address.hint === undefined ? {} : { hint: address.hint });
  return { scheme: address.secure ? "https" : "http", authority: address.authority };
});

/** Checks the options of `httpSignature()`. The result makes a plan for the scheme's name. */
export function httpSignatureShape(gateway: string, _reader: ConfigReader): Shape<(name: string) => HttpSignaturePlan> {
  const shape = options(
    {
      ...commonEntries(gateway),
      components: or(list(component, "a list of components"), ["@method", "@target-uri"]),
      contentDigest: or(flag, true),
      maxContent: or(size, "1MiB"),
      maxAge: or(duration(1000), "5m"),
      leeway: or(duration(0), "30s"),
      nonce: or(choice("optional", "required"), "optional"),
      maxNonces: or(whole(1, 10_000_000), 100_000),
      label: maybe(label),
      tag: maybe(tag),
      origin: maybe(origin),
      forward: or(flag, true),
    },
    function* ({ components }) {
      if (components?.length !== 0) return;
      const hint = "A signature that covers nothing would fit any request.";
      yield new Problem("a list of at least one", { at: ["components"], found: "[]", hint });
    },
  );
  return then(shape, ({ maxAge, leeway, mode, realm, ...rest }) => (name) => ({
    ...commonPlan(name, { mode, realm }),
    kind: "http-signature",
    ...rest,
    maxAgeMs: maxAge,
    leewayMs: leeway,
  }));
}
