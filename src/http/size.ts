// Numbers of bytes as people write them: "512B", "64KiB", "1.5MB".

const UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/**
 * Reads a decimal number and one of `B`, `KiB`, `MiB`, `GiB` (powers of 1024), `KB`, `MB`, `GB` (powers of 1000), with
 * nothing between or around them. Returns bytes, rounded to whole ones, or undefined if it is no size.
 */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)([KMG]i?B|B)$/.exec(text);
  if (parts === null) return undefined;
  const bytes = Math.round(Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Writes whole bytes in the largest unit that leaves no fraction, powers of 1024 first; `parseSize` reads it back. */
export function formatSize(bytes: number): string {
  for (const unit of ["GiB", "MiB", "KiB", "GB", "MB", "KB"] as const) {
    if (bytes !== 0 && bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]}${unit}`;
  }
  return `${bytes}B`;
}
