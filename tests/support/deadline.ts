// Waiting in tests: always for a condition, always with a deadline, and with a message that says what did not come.

/** A wait that did not end in time. */
export class DeadlinePassed extends Error {
  override readonly name = "DeadlinePassed";
}

/** How long a wait lasts when a test does not say otherwise, in milliseconds. */
export const PATIENCE_MS = 5000;

const POLL_MS = 3;

/** Waits until the condition gives something truthy, and returns it. `what` completes the sentence "waited for …". */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  timeoutMs = PATIENCE_MS,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) {
      throw new DeadlinePassed(`waited ${timeoutMs} ms for ${typeof what === "string" ? what : what()}`);
    }
    await elapse(POLL_MS);
  }
}

/** Gives the promise so long and no longer. */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlinePassed(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets time pass: for the pace of a peer that is slow on purpose, never to wait for something. */
export function elapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
