// What a user writes about the admin listener: where the gateway itself is asked and told.
import type { Hidden } from "../secrets.ts";

/** The admin listener: metrics and health of the gateway itself, apart from the requests that it serves. */
export interface AdminOptions {
  /**
   * Path of a Unix socket in place of `port` and `host`, relative to the config. Only the user of the gateway (and root) may
   * connect: no `token` is needed. Its folder must be there. Default: none.
   */
  socket?: string;
  /** TCP port. 0 lets the system choose. Default: `9901`. */
  port?: number;
  /** Address to bind. Beyond this machine (anything but `127.0.0.1`, `::1`, `localhost`) needs a `token`. Default: `"127.0.0.1"`. */
  host?: string;
  /**
   * Names by which others may call it, beside addresses and `localhost`. Any other Host is refused, so that no web page
   * can reach it through a name of its own (DNS rebinding). Default: none.
   */
  names?: readonly string[];
  /** `env("ADMIN_TOKEN")`: what `Authorization: Bearer` must hold, but for `/livez` and `/readyz`. Default: none. */
  token?: Hidden;
  /**
   * Path of a file, relative to the config, in which API keys that were revoked over the admin listener outlive a restart. The
   * gateway writes it; its folder must be there. Default: none, a restart forgets them.
   */
  revokedKeys?: string;
}
