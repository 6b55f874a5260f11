// The programs that tests need beside what npm installs: which package brings each, and what is left out without it.

/** A program that some tests start. */
interface Need {
  /** The Debian package that brings it. */
  readonly debian: string;
  /** What is tested with it. */
  readonly usedBy: string;
}

/** All of them, by the name of the program. Tests that use one ask tests/support/requirements.ts and skip without it. */
export const NEEDS = {
  openssl: {
    debian: "openssl",
    usedBy: "certificates of TLS upstreams, tokens that it signs (tests/support, tests/executable/auth)",
  },
  python3: { debian: "python3", usedBy: "tokens that it signs (tests/executable/auth)" },
  nginx: { debian: "nginx-light", usedBy: "a real server as the upstream (tests/executable)" },
  "redis-server": {
    debian: "redis-server",
    usedBy: "counts of limits beyond one machine (tests/limit, tests/executable)",
  },
  prometheus: { debian: "prometheus", usedBy: "a reader of metrics as they are used (tests/executable)" },
  promtool: {
    debian: "prometheus",
    usedBy: "a second opinion on the text of metrics, and on dashboard and alerts (tests/executable, tests/contrib)",
  },
  rsyslogd: { debian: "rsyslog", usedBy: "a real receiver of the access log (tests/executable)" },
  logrotate: { debian: "logrotate", usedBy: "the example for it, under systemd (tests/executable)" },
  pebble: { debian: "pebble", usedBy: "a real authority that speaks ACME (tests/executable)" },
  chromium: { debian: "chromium", usedBy: "the live page as people see it (tests/executable)" },
  curl: { debian: "curl", usedBy: "the commands of the README (tests/rules), HTTP/2 (tests/executable)" },
  nghttp: { debian: "nghttp2-client", usedBy: "a client of HTTP/2 that shows frames (tests/executable)" },
  h2load: { debian: "nghttp2-client", usedBy: "many clients of HTTP/2 at a time (tests/executable)" },
  "systemd-analyze": { debian: "systemd", usedBy: "the unit file (tests/contrib)" },
  zsh: { debian: "zsh", usedBy: "completions, as zsh gives them (tests/executable)" },
  fish: { debian: "fish", usedBy: "completions, as fish gives them (tests/executable)" },
  groff: { debian: "groff-base", usedBy: "the manual pages as man shows them (tests/executable)" },
  mandoc: { debian: "mandoc", usedBy: "a second opinion on the manual pages (tests/executable)" },
  unzip: { debian: "unzip", usedBy: "a second opinion on archives of a release (tests/release)" },
  "dpkg-deb": { debian: "dpkg", usedBy: "a second opinion on the Debian package (tests/release)" },
  git: { debian: "git", usedBy: "the list of the project's files (tests/rules)" },
} as const satisfies Record<string, Need>;

/** The name of a program that tests may need. */
export type Tool = keyof typeof NEEDS;

/** Where Debian keeps servers; a user's path often leaves it out. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Where the program is, or undefined. */
export function findTool(name: string): string | undefined {
  return Bun.which(name, { PATH: [process.env["PATH"] ?? "", ...SYSTEM_FOLDERS].join(":") }) ?? undefined;
}

/** The programs that are not here. */
export function missingTools(): Tool[] {
  return (Object.keys(NEEDS) as Tool[]).filter((tool) => findTool(tool) === undefined);
}

// Run by itself it prints the packages that are missing here: .ci/run installs them.
if (import.meta.main)
  console.log(
    missingTools()
      .map((tool) => NEEDS[tool].debian)
      .join(" "),
  );
