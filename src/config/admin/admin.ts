// The schema of the admin listener.
import { Problem, type ConfigReader } from "../fault.ts";
import { isHostName } from "../../http/host-name.ts";
import { bindAddress } from "../listen.ts";
import type { AdminPlan } from "../plan.ts";
import { list, maybe, options, or, type Shape } from "../shape.ts";
import { hiddenText, text, whole } from "../values.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

const A_NAME = "a host name";
const A_TOKEN = "a token of 16 or more printable characters without blanks, from outside the config";

const name = text(A_NAME, (written) =>
  isHostName(written) ? written.toLowerCase() : new Problem(A_NAME, { hint: "It stands without scheme and port." }),
);

/** The admin listener. */
export function adminShape(reader: ConfigReader): Shape<AdminPlan> {
  const token = hiddenText(A_TOKEN, reader, ({ text, secret }) => {
    if (secret === undefined) {
      const hint = 'A token does not stand in the config: token: env("ADMIN_TOKEN").';
      return new Problem(A_TOKEN, { found: false, hint });
    }
    return /^[!-~]{16,}$/.test(text) ? secret : new Problem(A_TOKEN);
  });
  return options(
    {
      port: or(whole(0, 65_535), 9901),
      host: or(bindAddress, "127.0.0.1"),
      names: or(list(name, "a list of host names"), []),
      token: maybe(token),
    },
    function* ({ host }, written) {
      if (host === undefined || LOOPBACK.has(host) || written["token"] !== undefined) return;
      const hint = `Others than this machine reach ${host}: give a token, or leave host out.`;
      yield new Problem("a token beside this host", { at: ["host"], hint });
    },
  );
}
