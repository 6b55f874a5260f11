// A gateway whose config changes while it runs, and what it tells of that.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./deadline.ts";
import { type Gateway, startGateway, type StartOptions } from "./executable.ts";
import { get } from "./messages.ts";
import { exchange } from "./raw-client.ts";

/** A config whose routes are these, as text; it imports `says` from a file beside it. */
export const config = (routes: string, more = "", head = ""): string => `import { defineGateway } from "sluice";
import { says } from "./says.ts";
${head}
export default defineGateway({ listen: { host: "127.0.0.1", port: 0 }, log: false, ${more} routes: { ${routes} } });
`;
/** The file that it imports. */
export const says = (text: string): string => `export const says: string = ${JSON.stringify(text)};\n`;
/** A route that answers with it. */
export const SAY = 'all: { match: "/*", handler: () => new Response(says) }';

/** A gateway, and what is done to its files. */
export class Story {
  readonly gateway: Gateway;

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  /** Puts these texts in the place of files. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.gateway.folder, `${name}.new`), text);
      renameSync(join(this.gateway.folder, `${name}.new`), join(this.gateway.folder, name));
    }
  }

  /** Writes files, reloads and waits for what is told of it. */
  async reload(files: Readonly<Record<string, string>> = {}): Promise<string> {
    this.write(files);
    return this.told(() => this.gateway.signal("SIGHUP"));
  }

  /** What the operator is told of the reload that comes of this, up to its last line. */
  async told(act: () => void): Promise<string> {
    const { stderr } = this.gateway;
    const before = stderr.text.length;
    act();
    return until(
      () => /^[^]*?sluice: (?:reloaded .*|error: .* was not reloaded: .*)\n/.exec(stderr.text.slice(before))?.[0],
      () => `a reload to be told: ${stderr.text.slice(before)}`,
      10_000,
    );
  }

  /** What it answers. */
  async body(target = "/", port = this.gateway.port): Promise<string> {
    return (await exchange(port, get(target))).body.text;
  }
}

const started: Gateway[] = [];
/** For `afterEach`: ends what a failed test left running. */
export function endStories(): void {
  for (const gateway of started.splice(0)) if (gateway.alive) gateway.signal("SIGKILL");
}

/** Starts it, with the file that it imports beside it. */
export async function start(text: string, options: StartOptions = {}): Promise<Story> {
  const gateway = await startGateway(text, { files: { "says.ts": says("one") }, ...options });
  started.push(gateway);
  return new Story(gateway);
}
