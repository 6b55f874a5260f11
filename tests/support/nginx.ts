// nginx as an upstream of another make: its own parser, its own keep-alive, its own ideas of HTTP.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closedPort } from "./closed-port.ts";
import { within, until } from "./deadline.ts";
import { accepts } from "./raw-client.ts";
import { pathOfTool } from "./requirements.ts";

/** A running nginx that serves files. */
export interface Nginx {
  readonly url: string;
  /** Its access log so far: connection number, request number of it, request line, status. */
  log(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts nginx in the foreground over these files. Only loopback, nothing outside its own temp folder. */
export async function startNginx(files: Readonly<Record<string, string | Uint8Array>>): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-nginx-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const port = closedPort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 512; }
http {
  ${paths.join(" ")}
  log_format one '$connection $connection_requests "$request" $status';
  access_log ${folder}/access.log one;
  keepalive_requests 1000;
  # A request with Via is a proxied one: nginx would not compress for it by default.
  types { text/plain txt; application/octet-stream bin; }
  gzip on; gzip_proxied any; gzip_min_length 20; gzip_types text/plain;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    client_max_body_size 4m;
    location / { }
    location = /echo { return 200 "$request_method $content_length $http_transfer_encoding $http_x_forwarded_for"; }
    location = /close { keepalive_timeout 0; return 200 "closing"; }
    location = /upload { client_body_in_single_buffer on; proxy_pass http://127.0.0.1:${port}/echo; }
  }
}
`,
  );
  const child = Bun.spawn([pathOfTool("nginx"), "-p", folder, "-c", "nginx.conf", "-e", `${folder}/error.log`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${await new Response(child.stderr).text()}`);
    return accepts(port);
  }, "nginx to listen");
  return {
    url: `http://127.0.0.1:${port}`,
    log: async () => (await Bun.file(join(folder, "access.log")).text()).trimEnd().split("\n"),
    async stop() {
      child.kill("SIGTERM");
      await within(child.exited, "nginx to end");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
