// Which URLs the gateway itself may ask: what comes over plain http could be anybody's.

/**
 * Whether a URL is `https`, or `http` to this machine itself. What a document names may be on this machine only if the
 * document is.
 * @param from the URL of the document that names it
 */
export function isSafeUrl(url: string, from = url): boolean {
  const parsed = parse(url);
  if (parsed === undefined || parsed.username !== "" || parsed.password !== "") return false;
  if (parsed.protocol === "https:") return true;
  const source = parse(from);
  return (
    parsed.protocol === "http:" && isLoopback(parsed.hostname) && source !== undefined && isLoopback(source.hostname)
  );
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
