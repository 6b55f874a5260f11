// Starts the process anew, once, with what the runtime takes only from the environment of its start.

/** The runtime lets 256 fetches run at once, process-wide, unless this says otherwise when the process starts. */
const FETCH_LIMIT = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const FETCH_LIMIT_VALUE = "65535";

/** The runtime's fetch would send what a gateway forwards through these. */
const PROXY_VARIABLE = /^(?:https?|all)_proxy$/i;

/**
 * Replaces this process by the same program, same pid, with the fetch limit raised and no proxy variables. Returns when
 * there is nothing to change, or when the system refuses; then at least the proxy variables are gone.
 * `notice` is told which proxy variables are ignored.
 */
export function reexecute(compiled: boolean, notice: (text: string) => void): void {
  const environment = process.env;
  const proxies = Object.keys(environment).filter((name) => PROXY_VARIABLE.test(name));
  if (proxies.length > 0) notice(`${proxies.join(", ")} ignored: the gateway connects to its upstreams itself.`);
  for (const name of proxies) delete environment[name];
  if (environment[FETCH_LIMIT] !== undefined && proxies.length === 0) return;
  // A compiled file's argv[1] is the file inside it.
  const program = compiled ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
  try {
    // By the name that it was started by: an upgrade follows it anew.
    process.execve?.(process.execPath, [process.argv0, ...program], {
      ...environment,
      [FETCH_LIMIT]: environment[FETCH_LIMIT] ?? FETCH_LIMIT_VALUE,
    });
  } catch {
    // The gateway runs without it: only fetches are limited then, and none of its own.
  }
}
