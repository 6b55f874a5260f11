// Where a listener is, as a person writes it into a browser.

/** "http://[::1]:8080". */
export function urlOf(host: string, port: number, secure = false): string {
  return `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
