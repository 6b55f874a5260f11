// A line in the Common Log Format of Apache and nginx, and in the combined one, which adds the referrer and the agent.
import type { LogPlan } from "../../config/log/plan.ts";
import { wireText } from "../../http/latin1.ts";
import type { Platform } from "../../platform.ts";
import { pathOf, queryOf, statusOf } from "../outcome.ts";
import { protocolOf } from "./caddy.ts";
import { fieldReader } from "./fields.ts";
import type { LineMaker } from "./line.ts";

const MOST_TARGET = 2048;
const MOST_AGENT = 512;
const MOST = 256;

/**
 * Makes the line: `client - consumer [time] "request" status bytes`, and of the combined format `"referrer" "agent"`. The
 * time is that of the end, in UTC. Bytes that could end a value are written `\xHH`, as nginx does, texts as UTF-8.
 */
export function commonLine(
  plan: LogPlan,
  redact: (query: string) => string,
  platform: Platform,
  combined: boolean,
): LineMaker {
  const clock = clockTexts();
  const read = fieldReader(plan, redact);
  return (x, ending) => {
    const asked = `${x.method} ${pathOf(x)}${redact(queryOf(x))}`;
    const request = x.method === "" ? "-" : `${safe(asked, MOST_TARGET)} ${protocolOf(x)}`;
    const line =
      `${word(x.client)} - ${word(wireText(x.identity?.consumer?.name ?? ""))} [${clock(platform.wallClock())}] ` +
      `"${request}" ${statusOf(x, ending) || "-"} ${ending.bytesOut}`;
    if (!combined) return line;
    const [referrer = "-"] = read(x.fields, "referer");
    return `${line} "${safe(referrer, MOST_TARGET)}" "${safe(x.fields.get("user-agent") ?? "-", MOST_AGENT)}"`;
  };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `10/Oct/2000:13:55:36 +0000`. Kept for a second. */
function clockTexts(): (ms: number) => string {
  let second = -1;
  let text = "";
  return (ms) => {
    const whole = Math.floor(ms / 1000);
    if (whole !== second) {
      second = whole;
      const iso = new Date(whole * 1000).toISOString();
      const month = MONTHS[Number(iso.slice(5, 7)) - 1]!;
      text = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
    }
    return text;
  };
}

/** A value between blanks; "-" for none. */
function word(text: string): string {
  return text === "" ? "-" : safe(text, MOST).replaceAll(" ", "\\x20");
}

/** A value between quotes. What is longer is cut and ends with "...". */
function safe(text: string, most: number): string {
  const kept = text.length > most ? `${text.slice(0, most)}...` : text;
  const bytes = /[^\0-\xff]/.test(kept) ? wireText(kept) : kept;
  return bytes.replace(
    /[^ !#-[\]-~]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
