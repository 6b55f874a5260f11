// A package for Debian and Ubuntu, written without their tools: any machine can build a release.
import { createHash } from "node:crypto";
import { ar, type Entry, gzip, tar, withFolders } from "./archive.ts";
import { type Contents, textFile } from "./contents.ts";

/** What a package is made of beside {@link Contents}. */
export interface DebOptions {
  readonly version: string;
  readonly architecture: "amd64" | "arm64";
  readonly executable: Uint8Array;
  /** Time of all files, Unix time. */
  readonly seconds: number;
  /** Of the compression, 1 to 9, which is the default: less is sooner done. */
  readonly level?: number;
}

/** Files that a person may have changed: an update asks before it writes over them. */
const CONFFILES = ["/etc/sluice/sluice.env"];

const VARIABLES = `# Variables of the service's environment, NAME=value a line. The config reads them by env("NAME").
# This file is for root alone. Better still: LoadCredential=NAME:/path in a drop-in of the unit (systemctl edit sluice).
`;

/** Lintian's findings that are meant. */
const OVERRIDES = `# The runtime links its libraries and is built so by its makers.
sluice: embedded-library *
sluice: hardening-no-pie *
sluice: hardening-no-relro *
# What stands behind the runtime, the gateway itself, would be lost.
sluice: unstripped-binary-or-object *
# What stands in it may be secret.
sluice: non-standard-file-perm 0640 != 0644 *
# The project has no mail address of its own.
sluice: bogus-mail-host *
sluice: bogus-mail-host-in-debian-changelog *
`;

/** The whole file. */
export function debPackage(contents: Contents, options: DebOptions): Uint8Array {
  const { version, architecture, seconds, level } = options;
  const data = withFolders(dataEntries(contents, options));
  const size = Math.ceil(data.reduce((sum, { content }) => sum + (content?.length ?? 4096), 0) / 1024);
  const control = withFolders([
    textFile("control", controlFile(version, architecture, size)),
    textFile("conffiles", CONFFILES.map((path) => `${path}\n`).join("")),
    textFile("md5sums", sumsOf(data)),
    ...Object.entries(SCRIPTS).map(([name, text]) => textFile(name, text, 0o755)),
  ]);
  const root: Entry = { path: ".", mode: 0o755, content: undefined };
  const packed = (entries: readonly Entry[]): Uint8Array => {
    // "./" comes first, by itself.
    const top = tar([root], seconds).subarray(0, 512);
    return gzip(Buffer.concat([top, tar(entries, seconds, "./")]), level);
  };
  return ar(
    [
      ["debian-binary", Buffer.from("2.0\n")],
      ["control.tar.gz", packed(control)],
      ["data.tar.gz", packed(data)],
    ],
    seconds,
  );
}

function dataEntries(contents: Contents, { version, executable, seconds }: DebOptions): Entry[] {
  const doc = "usr/share/doc/sluice";
  const packed = (text: string): Uint8Array => gzip(new TextEncoder().encode(text));
  return [
    { path: "usr/bin/sluice", mode: 0o755, content: executable },
    textFile("usr/lib/systemd/system/sluice.service", contents.unit),
    textFile("usr/share/man/man1/sluice.1.gz", packed(contents.commandPage)),
    textFile("usr/share/man/man5/gateway.config.5.gz", packed(contents.configPage)),
    textFile("usr/share/bash-completion/completions/sluice", contents.completions["bash"]!),
    textFile("usr/share/zsh/vendor-completions/_sluice", contents.completions["zsh"]!),
    textFile("usr/share/fish/vendor_completions.d/sluice.fish", contents.completions["fish"]!),
    textFile(`${doc}/copyright`, copyright()),
    textFile(`${doc}/NOTICE`, contents.notice),
    textFile(`${doc}/licenses.gz`, packed(contents.licenses)),
    textFile(`${doc}/NEWS.gz`, packed(contents.changelog)),
    textFile(`${doc}/changelog.gz`, packed(debianChangelog(version, seconds))),
    textFile(`${doc}/examples/gateway.config.ts`, contents.exampleConfig),
    textFile("usr/share/lintian/overrides/sluice", OVERRIDES),
    textFile("etc/sluice/sluice.env", VARIABLES, 0o640),
  ];
}

const MAINTAINER = "The Sluice contributors <sluice@localhost>";

function controlFile(version: string, architecture: string, kibibytes: number): string {
  return `Package: sluice
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.17)
Section: httpd
Priority: optional
Description: API gateway in one executable
 Sluice stands in front of services: it receives a request, says who calls,
 holds limits, picks a healthy target, forwards, answers and records. Its
 config is a TypeScript file that is checked before it runs.
`;
}

function debianChangelog(version: string, seconds: number): string {
  const date = new Date(seconds * 1000).toUTCString().replace("GMT", "+0000");
  return `sluice (${version}) unstable; urgency=medium\n\n  * What has changed is in NEWS.gz.\n\n -- ${MAINTAINER}  ${date}\n`;
}

function copyright(): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Sluice
Comment: The executable holds the work of others: see NOTICE and licenses.gz beside this
 file. "sluice licenses" prints the same.

Files: *
Copyright: 2026 The Sluice contributors
License: Apache-2.0
 On Debian systems the text of this licence is in
 /usr/share/common-licenses/Apache-2.0.
`;
}

function sumsOf(entries: readonly Entry[]): string {
  return entries
    .filter(({ content, path }) => content !== undefined && !path.startsWith("etc/"))
    .map(({ path, content }) => `${createHash("md5").update(content!).digest("hex")}  ${path}\n`)
    .join("");
}

/** As debhelper writes them for a package with one service. Without systemd, as in a container, they do nothing. */
const SCRIPTS = {
  postinst: `#!/bin/sh
set -e

case "$1" in
configure | abort-upgrade | abort-deconfigure | abort-remove)
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper unmask sluice.service >/dev/null || true
    if deb-systemd-helper --quiet was-enabled sluice.service; then
      deb-systemd-helper enable sluice.service >/dev/null || true
    else
      deb-systemd-helper update-state sluice.service >/dev/null || true
    fi
  fi
  if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    # Without a config there is nothing to run: the unit says so itself.
    if [ -n "$2" ]; then action=restart; else action=start; fi
    deb-systemd-invoke "$action" sluice.service >/dev/null || true
  fi
  ;;
esac
`,
  prerm: `#!/bin/sh
set -e

if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop sluice.service >/dev/null || true
fi
`,
  postrm: `#!/bin/sh
set -e

if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
  deb-systemd-helper mask sluice.service >/dev/null || true
fi
if [ "$1" = purge ]; then
  if command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge sluice.service >/dev/null || true
    deb-systemd-helper unmask sluice.service >/dev/null || true
  fi
  # What systemd kept for the service. The config stays where its owner has put it.
  rm -rf /var/lib/private/sluice /var/cache/private/sluice /var/log/private/sluice
  for link in /var/lib/sluice /var/cache/sluice /var/log/sluice; do
    if [ -L "$link" ]; then rm -f "$link"; fi
  done
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
`,
} as const;
