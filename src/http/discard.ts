// Content that nobody wants: read so that its connection can serve again, and given up when it is too much.
import { type Content, isStream } from "./body.ts";

/** Reads at most so many bytes. `over` is called once, when no more is going to come; at once where nothing does. */
export function discard(content: Content, most: number, over: () => void): void {
  if (!isStream(content)) return over();
  let left = most;
  content.pipe({
    write(piece) {
      left -= piece.length;
      if (left >= 0) return true;
      content.cancel();
      over();
      return false;
    },
    end: over,
    fail: over,
  });
}
