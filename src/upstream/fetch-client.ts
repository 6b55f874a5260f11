// (in the making)
import type { Answer, Left } from "../exchange.ts";
import type { Content } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
export function fetchAttempt(
  _p: Platform,
  _r: { method: string; url: string; fields: Fields; content: Content; firstByteMs: number; idleMs: number },
  _l: Left,
): Promise<Answer> {
  return Promise.reject(new Error("in the making"));
}
