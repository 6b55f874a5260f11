// What a socket calls before its owner has set a handler of its own.
import type { SocketHandler } from "../platform.ts";

/** Takes every call and does nothing. */
export const UNOWNED: SocketHandler = {
  data: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
