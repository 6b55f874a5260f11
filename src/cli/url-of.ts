// Where a listener is, as a person writes it into a browser.

/** The URL of a listener: "http://[::1]:8080". */
export function urlOf(host: string, port: number, secure = false): string {
  return `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
