// The schema of the admin listener.
import { Problem, type ConfigReader } from "../fault.ts";
import { isHostName } from "../../http/host-name.ts";
import { bindAddress } from "../listen.ts";
import type { AdminPlan, ListenPlan } from "../plan.ts";
import { list, maybe, options, or, type Shape, then } from "../shape.ts";
import { hiddenText, text, whole } from "../values.ts";

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/** Addresses that are all of a machine's. */
const ANY: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

const A_NAME = "a host name";
const A_SOCKET = "the path of a Unix socket, of at most 107 bytes";
const A_FILE = "the path of a file";
const A_TOKEN = "a token of 16 or more printable characters without blanks, from outside the config";

const name = text(A_NAME, (written) =>
  isHostName(written) ? written.toLowerCase() : new Problem(A_NAME, { hint: "It stands without scheme and port." }),
);

/** An admin listener on a port that requests are served on, too: only one of the two could have it. */
export function* sharedPorts(
  listen: Partial<ListenPlan> | undefined,
  admin: AdminPlan | undefined,
): Generator<Problem> {
  if (admin === undefined || admin.port === 0 || listen?.host === undefined) return;
  const meets = listen.host === admin.host || ANY.has(listen.host) || ANY.has(admin.host);
  if (!meets || ![listen.port, listen.tls?.redirect?.port].includes(admin.port)) return;
  yield new Problem("another port than the listener's", { at: ["admin", "port"], found: String(admin.port) });
}

/** Checks the option `admin`. */
export function adminShape(reader: ConfigReader): Shape<AdminPlan> {
  const token = hiddenText(A_TOKEN, reader, ({ text, secret }) => {
    if (secret === undefined) {
      const hint = 'A token does not stand in the config: token: env("ADMIN_TOKEN").';
      return new Problem(A_TOKEN, { found: false, hint });
    }
    return /^[!-~]{16,}$/.test(text) ? secret : new Problem(A_TOKEN);
  });
  const socket = text(A_SOCKET, (written) => {
    if (written === "" || written.endsWith("/") || written.includes("\0")) return new Problem(A_SOCKET);
    const path = reader.locate?.(written) ?? written;
    // What `struct sockaddr_un` holds.
    return new TextEncoder().encode(path).length > 107 ? new Problem(A_SOCKET, { found: path }) : path;
  });
  const file = text(A_FILE, (written) => {
    if (written === "" || written.endsWith("/") || written.includes("\0")) return new Problem(A_FILE);
    return reader.locate?.(written) ?? new Problem(A_FILE, { hint: "This runtime has no files." });
  });
  const shape = options(
    {
      socket: maybe(socket),
      port: or(whole(0, 65_535), 9901),
      host: or(bindAddress, "127.0.0.1"),
      names: or(list(name, "a list of host names"), []),
      token: maybe(token),
      revokedKeys: maybe(file),
    },
    function* ({ host }, written) {
      if (written["socket"] !== undefined) {
        if (written["port"] === undefined && written["host"] === undefined) return;
        yield new Problem("a socket, or a port and a host", { at: ["socket"], hint: "Leave out one or the other." });
        return;
      }
      if (host === undefined || LOOPBACK.has(host) || written["token"] !== undefined) return;
      const hint = `Others than this machine reach ${host}: give a token, or leave host out.`;
      yield new Problem("a token beside this host", { at: ["host"], hint });
    },
  );
  return then(shape, (plan) => (plan.socket === undefined ? plan : { ...plan, host: "localhost", port: 0 }));
}
