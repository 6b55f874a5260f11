// The schema of the Host field that upstreams see.
import { Problem } from "../fault.ts";
import { isHostName } from "../../http/host-name.ts";
import type { Shape } from "../shape.ts";
import { text } from "../values.ts";
import type { UpstreamPlan } from "./plan.ts";

const A_HOST = '"upstream", "client" or a host';
const HINT = 'A host is a name and maybe a port: "api.internal:8080".';

/** Which Host field requests have. */
export const hostField: Shape<UpstreamPlan["host"]> = text(A_HOST, (written) => {
  if (written === "upstream" || written === "client") return written;
  return isHostField(written) ? { fixed: written } : new Problem(A_HOST, { hint: HINT });
});

/** A Host field as it stands there. */
export const fixedHost: Shape<string> = text("a host", (written) =>
  isHostField(written) ? written : new Problem("a host", { hint: HINT }),
);

function isHostField(written: string): boolean {
  const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written);
  const name = parts?.[1] ?? parts?.[2] ?? "";
  const bracketed = parts?.[1] !== undefined;
  return isHostName(name) && name.includes(":") === bracketed && Number(parts?.[3] ?? 1) <= 65_535;
}
