// The files of the live page, with the fields that keep a browser from loading or running anything else.
import { type Answer, answerOfBytes } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";

/** Texts of the page. */
export interface PageFiles {
  readonly html: string;
  readonly css: string;
  readonly script: string;
  readonly icon: string;
}

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  script: "text/javascript; charset=utf-8",
  icon: "image/svg+xml",
} as const satisfies Record<keyof PageFiles, string>;

/** Its own script, style, icon and events: nothing from elsewhere, no form, no frame around it. */
const POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join("; ");

const ENCODER = new TextEncoder();

/** The files by path: anybody may have them who reaches the listener. */
export const PAGE_FILES: ReadonlyMap<string, keyof PageFiles> = new Map([
  ["/", "html"],
  ["/live/page.css", "css"],
  ["/live/page.js", "script"],
  ["/live/icon.svg", "icon"],
]);

/** Answers with a file. @throws GatewayError where there is no page */
export async function pageFile(
  x: Exchange,
  file: keyof PageFiles,
  page: (() => Promise<PageFiles>) | undefined,
): Promise<Answer> {
  if (page === undefined) {
    const publicDetail = "The live page is part of the executable. GET /live/events has what it shows.";
    throw new GatewayError("route_not_found", "there is no live page here", { publicDetail });
  }
  const fields = Fields.of(
    ["Content-Type", TYPES[file]],
    ["Content-Security-Policy", POLICY],
    ["Cache-Control", "no-cache"],
    ["X-Content-Type-Options", "nosniff"],
    ["Referrer-Policy", "no-referrer"],
    ["Cross-Origin-Opener-Policy", "same-origin"],
    ["Cross-Origin-Resource-Policy", "same-origin"],
  );
  return answerOfBytes(x.method, 200, fields, ENCODER.encode((await page())[file]));
}
