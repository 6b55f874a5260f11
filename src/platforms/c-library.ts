// Calls into the C library, where the runtime can make them: on Bun.
import type { FFIFunction, Library } from "bun:ffi";

/** Its names: glibc, musl, macOS. */
const NAMES = ["libc.so.6", "libc.so", "/usr/lib/libSystem.B.dylib"];

/** These functions of it; undefined where C cannot be called. */
export function cLibrary<const F extends Record<string, FFIFunction>>(functions: F): Library<F>["symbols"] | undefined {
  const ffi = process.getBuiltinModule("bun:ffi") as typeof import("bun:ffi") | undefined;
  if (ffi === undefined) return undefined;
  for (const name of NAMES) {
    try {
      return ffi.dlopen(name, functions).symbols;
    } catch {
      // The next name.
    }
  }
  return undefined;
}
