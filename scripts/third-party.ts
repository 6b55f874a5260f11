// What the executable holds of others: packages of npm, and the runtime with what that links. For notices and SBOM.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package of npm that is inside the executable. */
export interface PackageInside {
  readonly name: string;
  readonly version: string;
  /** By its SPDX identifier. */
  readonly license: string;
  /** The text of its licence. */
  readonly text: string;
  /** Where its sources are. */
  readonly url: string;
  /** As package-lock.json has it: "sha512-…". */
  readonly integrity: string;
}

/** A library that the runtime links. */
export interface RuntimePart {
  readonly name: string;
  /** By its SPDX identifier, or an expression of several. */
  readonly license: string;
  readonly url: string;
}

/** The part of a package.json that is read here. */
interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly repository?: string | { readonly url: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** The part of package-lock.json that is read here. */
interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity: string }>>;
}

/** Dependencies that the executable does without: they are for other runtimes, or types alone. */
const OUTSIDE: ReadonlySet<string> = new Set(["@babel/types", "bcryptjs", "ioredis"]);

/** What Bun 1.4 links, as its LICENSE.md lists it. Bun tells no versions of them. */
export const RUNTIME_PARTS: readonly RuntimePart[] = [
  [
    "JavaScriptCore and parts of WebKit",
    "LGPL-2.0-or-later AND LGPL-2.1-or-later AND BSD-2-Clause",
    "https://github.com/oven-sh/WebKit",
  ],
  ["TinyCC", "LGPL-2.1-or-later", "https://github.com/tinycc/tinycc"],
  ["BoringSSL", "several, see its LICENSE", "https://boringssl.googlesource.com/boringssl"],
  ["brotli", "MIT", "https://github.com/google/brotli"],
  ["libarchive", "several, see its COPYING", "https://github.com/libarchive/libarchive"],
  ["lol-html", "BSD-3-Clause", "https://github.com/cloudflare/lol-html"],
  ["ls-hpack", "MIT", "https://github.com/litespeedtech/ls-hpack"],
  ["ls-qpack", "MIT", "https://github.com/litespeedtech/ls-qpack"],
  ["lsquic", "MIT AND BSD-3-Clause", "https://github.com/litespeedtech/lsquic"],
  ["mimalloc", "MIT", "https://github.com/microsoft/mimalloc"],
  ["picohttpparser", "MIT", "https://github.com/h2o/picohttpparser"],
  ["zstd", "BSD-3-Clause", "https://github.com/facebook/zstd"],
  ["simdutf", "Apache-2.0", "https://github.com/simdutf/simdutf"],
  ["uSockets", "Apache-2.0", "https://github.com/uNetworking/uSockets"],
  ["uWebSockets", "Apache-2.0", "https://github.com/uNetworking/uWebSockets"],
  ["zlib-ng", "Zlib", "https://github.com/zlib-ng/zlib-ng"],
  ["c-ares", "MIT", "https://github.com/c-ares/c-ares"],
  ["ICU", "that of ICU and Unicode, see its LICENSE", "https://github.com/unicode-org/icu"],
  ["base64", "BSD-2-Clause", "https://github.com/aklomp/base64"],
  ["libuv (on Windows)", "MIT", "https://github.com/libuv/libuv"],
  ["libdeflate", "MIT", "https://github.com/ebiggers/libdeflate"],
  ["libjpeg-turbo", "BSD-3-Clause AND IJG AND Zlib", "https://github.com/libjpeg-turbo/libjpeg-turbo"],
  ["libspng", "BSD-2-Clause", "https://github.com/randy408/libspng"],
  ["libwebp", "BSD-3-Clause", "https://github.com/webmproject/libwebp"],
  ["highway", "Apache-2.0", "https://github.com/google/highway"],
  ["uucode", "MIT", "https://github.com/jacobsandlund/uucode"],
  ["TigerBeetle (parts of its IO code)", "Apache-2.0", "https://github.com/tigerbeetle/tigerbeetle"],
  ["libc++abi (__cxa_thread_atexit)", "Apache-2.0 WITH LLVM-exception", "https://github.com/llvm/llvm-project"],
].map(([name, license, url]) => ({ name: name!, license: license!, url: url! }));

/** The version of Bun that runs inside: the one that package.json names. */
export function runtimeVersion(root: string): string {
  return readManifest(root).devDependencies["bun"]!;
}

/** The packages inside, by name. @throws when one has no licence text */
export function packagesInside(root: string): PackageInside[] {
  const { dependencies } = readManifest(root);
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  return Object.keys(dependencies)
    .filter((name) => !OUTSIDE.has(name))
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const { version, license, repository } = readManifest(folder);
      const url = typeof repository === "object" ? repository.url : (repository ?? "");
      return {
        name,
        version,
        license,
        text: licenseText(folder),
        url: webAddress(url),
        integrity: lock.packages[`node_modules/${name}`]!.integrity,
      };
    });
}

/** All notices, as `sluice licenses` prints them. */
export function noticesText(root: string): string {
  const { version } = readManifest(root);
  const text = (...path: string[]): string => readFileSync(join(root, ...path), "utf8").trimEnd();
  const width = Math.max(...RUNTIME_PARTS.map(({ name }) => name.length));
  const parts = RUNTIME_PARTS.map(
    ({ name, license, url }) => `  ${name.padEnd(width)}  ${license}\n  ${" ".repeat(width)}  ${url}`,
  );
  return [
    `Sluice ${version}: Apache-2.0. Its text is the last below.\n\nThis executable holds the work of others, under the licences that follow.`,
    titled(
      `Bun ${runtimeVersion(root)}, the runtime: MIT`,
      `https://github.com/oven-sh/bun, whose LICENSE.md lists what it links statically:\n\n${parts.join("\n")}\n\n` +
        "The texts of these licences stand at the addresses; those of the LGPL follow below. Bun also holds polyfills of\n" +
        "Node.js modules, all MIT, which LICENSE.md lists.\n\n" +
        "JavaScriptCore, WebKit and TinyCC are under the LGPL: you may change them and link the executable anew. Build Bun\n" +
        "with your changes, as its LICENSE.md tells, and with that Bun the executable, from the sources of Sluice:\n" +
        "`<changed bun> scripts/build.ts`. All that Sluice adds to Bun is in its repository as source.",
    ),
    ...packagesInside(root).map((inside) => titled(`${inside.name} ${inside.version}: ${inside.license}`, inside.text)),
    titled("GNU Library General Public License, version 2", text("licenses/LGPL-2.0.txt")),
    titled("GNU Lesser General Public License, version 2.1", text("licenses/LGPL-2.1.txt")),
    titled(`Sluice ${version}: Apache-2.0`, text("LICENSE")),
  ].join("\n\n");
}

function titled(title: string, text: string): string {
  const line = "=".repeat(80);
  return `${line}\n${title}\n${line}\n\n${text.trim()}\n`;
}

function licenseText(folder: string): string {
  const name = readdirSync(folder).find((each) => /^licen[cs]e(?:\.md|\.txt)?$/i.test(each));
  if (name === undefined || !existsSync(join(folder, name))) throw new Error(`${folder} has no licence text`);
  return readFileSync(join(folder, name), "utf8");
}

/** "git+https://github.com/x/y.git" and the short forms of npm as an address for people. */
function webAddress(url: string): string {
  const short = /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(url);
  if (short !== null) return `https://github.com/${short[1]}`;
  return url
    .replace(/^git\+/, "")
    .replace(/^git:/, "https:")
    .replace(/^ssh:\/\/git@/, "https://")
    .replace(/\.git$/, "");
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
