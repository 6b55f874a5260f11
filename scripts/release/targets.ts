// What a release is built for, and the runtime behind each executable: pinned by version and hash.
import type { Machine } from "./machine.ts";

/** One platform of a release. */
export interface Target {
  /** As the names of files have it: "linux-x64". */
  readonly name: string;
  /** What Bun calls it. */
  readonly bun: Bun.Build.CompileTarget;
  /** The package of npm with the runtime, at {@link RUNTIME_VERSION}. */
  readonly runtime: string;
  /** What package-lock.json would have of it: the hash of the package as the registry has it. */
  readonly integrity: string;
  /** For what the runtime must be. */
  readonly machine: Machine;
  /**
   * Whether bytecode is put inside. It is the builder's, so it is only where that is the same system and C library:
   * elsewhere Bun has read it wrongly before (oven-sh/bun #18416, #24144), and nobody would see it here.
   */
  readonly bytecode: boolean;
  /** The name of the architecture in Debian's packages; undefined where there is no package. */
  readonly debian: "amd64" | "arm64" | undefined;
}

/** The version of the runtimes that the hashes below are of: that of `bun` in package.json. */
export const RUNTIME_VERSION = "1.4.5";

/**
 * All of them. For x64 it is Bun's build for any CPU since 2008 (SSE4.2): the other one ends at its first step where AVX2 is
 * missing, as in many virtual machines. On macOS Bun has one build alone, under both names.
 */
export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    bun: "bun-linux-x64-baseline",
    runtime: "@oven/bun-linux-x64-baseline",
    integrity: "sha512-s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
    machine: { system: "linux", cpu: "x64", libc: "glibc" },
    bytecode: true,
    debian: "amd64",
  },
  {
    name: "linux-arm64",
    bun: "bun-linux-arm64",
    runtime: "@oven/bun-linux-aarch64",
    integrity: "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    machine: { system: "linux", cpu: "arm64", libc: "glibc" },
    bytecode: true,
    debian: "arm64",
  },
  {
    name: "linux-x64-musl",
    bun: "bun-linux-x64-musl-baseline" as Bun.Build.CompileTarget,
    runtime: "@oven/bun-linux-x64-musl-baseline",
    integrity: "sha512-cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==",
    machine: { system: "linux", cpu: "x64", libc: "musl" },
    bytecode: false,
    debian: undefined,
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
    integrity: "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    machine: { system: "linux", cpu: "arm64", libc: "musl" },
    bytecode: false,
    debian: undefined,
  },
  {
    name: "macos-x64",
    bun: "bun-darwin-x64",
    runtime: "@oven/bun-darwin-x64",
    integrity: "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
    machine: { system: "macos", cpu: "x64", libc: undefined },
    bytecode: false,
    debian: undefined,
  },
  {
    name: "macos-arm64",
    bun: "bun-darwin-arm64",
    runtime: "@oven/bun-darwin-aarch64",
    integrity: "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
    machine: { system: "macos", cpu: "arm64", libc: undefined },
    bytecode: false,
    debian: undefined,
  },
  {
    name: "windows-x64",
    bun: "bun-windows-x64-baseline",
    runtime: "@oven/bun-windows-x64-baseline",
    integrity: "sha512-/U3Dc74uGqE6EUqef7mPtg9KwJs7iJH4JHRMfIZIn18MrJh6Xz4gVvWDXRvzCL2j8wPlTnJVyrO4n7Qq4uM7TQ==",
    machine: { system: "windows", cpu: "x64", libc: undefined },
    bytecode: false,
    debian: undefined,
  },
  {
    name: "windows-arm64",
    bun: "bun-windows-arm64",
    runtime: "@oven/bun-windows-aarch64",
    integrity: "sha512-MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==",
    machine: { system: "windows", cpu: "arm64", libc: undefined },
    bytecode: false,
    debian: undefined,
  },
];
