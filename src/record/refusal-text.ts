// Why an exchange failed, in one line for an operator who asks for that (logLevel "debug").
import type { Ending, Exchange } from "../exchange.ts";

/** The line; undefined of an exchange that came to its answer. The query is not in it: it may hold credentials. */
export function refusalText(x: Exchange, ending: Ending): string | undefined {
  const error = x.error ?? ending.error;
  if (error === undefined) return undefined;
  const tried = x.attempts.map(({ target, status, error }) => `${target} ${error?.code ?? status}`);
  const parts = [
    `${x.id}: ${x.method} ${x.path} from ${x.client}`,
    ...(x.route === undefined ? [] : [`route ${x.route.name}`]),
    ...(tried.length === 0 ? [] : [`tried ${tried.join(", ")}`]),
    `${error.status} ${error.code}: ${error.message}`,
  ];
  return oneLine(parts.join("; "));
}

/** What a client has chosen can begin no line of its own. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
