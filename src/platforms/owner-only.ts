// Files that only their owner may open, from their first moment.
import process from "node:process";

/** Files made by `make` get 0600 at most. It must not wait: the mask is the whole process's. */
export function forOwnerOnly<T>(make: () => T): T {
  const mask = process.umask(0o177);
  try {
    return make();
  } finally {
    process.umask(mask);
  }
}
