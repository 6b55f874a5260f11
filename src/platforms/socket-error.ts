// One shape for what goes wrong with sockets, whatever the runtime throws.
import type { SocketError } from "../platform.ts";

/** Names Deno gives to errors, and the system's code for each. */
const CODES: Readonly<Record<string, string>> = {
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  BrokenPipe: "EPIPE",
  ConnectionAborted: "ECONNABORTED",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  NetworkUnreachable: "ENETUNREACH",
  NotCapable: "EACCES",
  NotConnected: "ENOTCONN",
  PermissionDenied: "EACCES",
  TimedOut: "ETIMEDOUT",
};

/** What was thrown as a SocketError: `code` as the system or the TLS library names it, `ERR_SOCKET` when nobody does. */
export function socketErrorOf(thrown: unknown): SocketError {
  if (!(thrown instanceof Error)) return { code: "ERR_SOCKET", message: String(thrown) };
  const { code } = thrown as { code?: unknown };
  return {
    code: typeof code === "string" ? code : (CODES[thrown.name] ?? "ERR_SOCKET"),
    message: thrown.message,
  };
}
