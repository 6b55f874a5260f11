// Waiting that ends early when all ends.
import type { Platform } from "../platform.ts";
import { AcmeFailure } from "./failure.ts";

/** Resolves after so long; rejects when `closing` is aborted. */
export function pause(ms: number, platform: Platform, closing: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const close = (): void => {
      platform.clearTimer(timer);
      reject(new AcmeFailure("the gateway closes", { of: "authority" }));
    };
    const timer = platform.setTimer(() => {
      closing.removeEventListener("abort", close);
      resolve();
    }, ms);
    closing.addEventListener("abort", close, { once: true });
    if (closing.aborted) close();
  });
}
