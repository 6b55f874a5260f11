// What the executable meets beside its command line: variables of the environment, files, signals. One text for all who tell it.

type Row = readonly [name: string, means: string];

/** Variables that no flag stands for. */
export const VARIABLES: readonly Row[] = [
  ["SLUICE_ADMIN_TOKEN", "The token of the admin listener that `--admin` names, for `sluice top`."],
  ["XDG_CONFIG_HOME", "The folder in which `sluice/gateway.config.ts` is looked for. Default: `~/.config`."],
  ["CREDENTIALS_DIRECTORY", 'Where `env("NAME")` finds files of systemd\'s credentials.'],
  [
    "NOTIFY_SOCKET, WATCHDOG_USEC",
    "As systemd sets them: it is told when the gateway serves, reloads and leaves, and that it lives.",
  ],
  [
    "OTEL_*",
    'As OpenTelemetry has them, where the config says `tracing: "env"` or `otlp: "env"`. They mean nothing elsewhere.',
  ],
  [
    "NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM",
    "Whether to colour, where `--color` does not say it. `NO_COLOR` goes first.",
  ],
  ["HTTP_PROXY, HTTPS_PROXY, ALL_PROXY", "Not heeded: the gateway connects to its upstreams itself."],
  ["COLUMNS", "Characters in a line, where the terminal does not say it or is to be overruled."],
  [
    "BUN_OPTIONS, BUN_BE_BUN",
    "They are the runtime's, which obeys them before Sluice begins: whoever sets the environment of the process can run code in it.",
  ],
];

/** Files that the executable reads or writes, by where they are. */
export const FILES: readonly Row[] = [
  ["gateway.config.ts", "The config, in this folder; or `.mts`, `.js`, `.mjs`, `.json`. See `gateway.config(5)`."],
  ["~/.config/sluice/gateway.config.ts", "Where it is looked for next."],
  ["/etc/sluice/gateway.config.ts", "Where it is looked for last, and where the service has it."],
  ["gateway.test.ts", "Tests beside the config, for `sluice test`."],
  [".sluice/", "Types for the editor, written by `sluice init`."],
  ["/etc/sluice/sluice.env", "Variables for the service, `NAME=value` a line."],
];

/** Signals that `sluice run` hears. */
export const SIGNALS: readonly Row[] = [
  ["SIGTERM", "The gateway leaves: it drains, as `shutdown` says, and ends with 0. Once more: it ends at once."],
  ["SIGINT", "The same without `shutdown.drainDelay`."],
  ["SIGQUIT", "It ends at once."],
  ["SIGHUP", "It loads the config again. What is wrong with it is told, and changes nothing."],
  ["SIGUSR1", "Nothing is done."],
  ["SIGUSR2", "Files of the access log are opened anew."],
];
