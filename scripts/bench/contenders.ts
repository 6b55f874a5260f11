// The gateways that are compared: how each is found, installed, configured for a work and started with one worker.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { CertificateFiles } from "./certificate.ts";
import { AUDIENCE, ISSUER } from "./bearer-tokens.ts";

/**
 * What every contender does for each request. `plain`: match one path, round robin over two targets, no log; what a
 * product adds by itself stays. `logged`: the same, fields that tell of the client and a request id added, and one
 * JSON line to a file. `jwt`: as plain, and the same RS256 token in every request, of which the algorithm, the signature
 * (a public key in PEM), issuer, audience and expiry are checked. `jwt-distinct`: the same, with another token in each.
 * `limited`: as plain, and requests are counted by the client's address; the limit is never reached. `tls`: as plain, over
 * TLS with the same certificate, on connections that are kept.
 */
export type Work = "plain" | "logged" | "limited" | "jwt" | "jwt-distinct" | "tls";

/** All works, in the order they are run. */
export const WORKS: readonly Work[] = ["plain", "logged", "limited", "jwt", "jwt-distinct", "tls"];

/** Whether tokens are verified. */
export function hasTokens(work: Work): boolean {
  return work.startsWith("jwt");
}

/** Where and for what a contender is started. */
export interface Setting {
  readonly work: Work;
  readonly port: number;
  readonly targets: readonly [port: number, port: number];
  /** File with the public key of the tokens. */
  readonly publicKey: string;
  readonly certificate: CertificateFiles;
  /** File that takes the access log of `logged`. */
  readonly log: string;
  /** Temporary folder of this contender alone. */
  readonly folder: string;
  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string): string;
}

/** How to start a contender. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The access log is its stdout. */
  readonly logsToStdout?: boolean;
}

/** One gateway. */
export interface Contender {
  readonly name: string;
  /** How to get it where it is missing. */
  readonly install: string;
  /** What it cannot do. */
  readonly cannot?: readonly Work[];
  /** Its version, or undefined when it is not there. */
  version(): string | undefined;
  launch(setting: Setting): Launch;
}

/** The repository's root. */
export const ROOT = join(import.meta.dir, "../..");

/** The contenders; nginx, the measure of all, comes first. Several executables of sluice are told apart by their paths. */
export function contenders(executables: readonly string[]): readonly Contender[] {
  const ours = executables.map((each) => {
    const [, path = each, metrics, traces, workers = "1"] =
      /^(.*?)(\+metrics)?(\+traces)?(?:@(\d+))?$/.exec(each) ?? [];
    const name = executables.length === 1 ? "Sluice" : `Sluice ${each}`;
    const extras = { metrics: metrics !== undefined, traces: traces !== undefined };
    return sluice(name, resolve(path), Number(workers), extras);
  });
  return [nginx, haproxy, caddy, fastify, ...ours];
}

const nginx: Contender = {
  name: "nginx",
  install: "apt-get install nginx-light",
  cannot: ["jwt", "jwt-distinct"],
  version: () => said(["nginx", "-v"], /nginx\/([\d.]+)/),
  launch({ work, port, targets, certificate, log, folder, write }) {
    const forwarded = `
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-ID $request_id;`;
    const logFormat = `log_format json escape=json '{"time":"$time_iso8601","id":"$request_id","ip":"$remote_addr",'
      '"method":"$request_method","path":"$request_uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
      '"upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time","agent":"$http_user_agent"}';`;
    const server = `
  upstream app { ${targets.map((target) => `server 127.0.0.1:${target};`).join(" ")} keepalive 256; keepalive_requests 1000000000; }
  ${logFormat}
  limit_req_zone $binary_remote_addr zone=callers:10m rate=1000000r/s;
  server {
    listen 127.0.0.1:${port}${work === "tls" ? " ssl" : ""};
    ${work === "tls" ? `ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};` : ""}
    access_log ${work === "logged" ? `${log} json` : "off"};
    location /orders/ {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";${work === "logged" ? forwarded : ""}
      ${work === "limited" ? "limit_req zone=callers burst=1000000 nodelay;" : ""}
    }
  }`;
    return nginxLaunch(folder, write("nginx.conf", nginxConfig(folder, server)));
  },
};

const haproxy: Contender = {
  name: "HAProxy",
  install: "apt-get install haproxy",
  version: () => said(["haproxy", "-v"], /version ([\d.]+)/),
  launch({ work, port, targets, publicKey, certificate, write }) {
    const verified = `
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str ${ISSUER} }
  http-request deny status 401 unless { var(txn.bearer),jwt_payload_query('$.aud') -m str ${AUDIENCE} }
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${publicKey}") -m int 1 }`;
    const logged = `
  log stdout format raw daemon
  log-format '{"time":"%T","id":"%ID","ip":"%ci","method":"%HM","path":"%HU","status":%ST,"bytes":%B,"ms":%Ta,"upstream":"%s","agent":"%[capture.req.hdr(0),json]"}'
  http-request capture req.hdr(user-agent) len 128
  unique-id-format %[uuid]
  unique-id-header X-Request-ID
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]`;
    const limited = `
  stick-table type ip size 100k expire 30s store http_req_rate(1s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000 }`;
    const path = write(
      "haproxy.cfg",
      `global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend public
  bind 127.0.0.1:${port}${work === "tls" ? ` ssl crt ${certificate.both} alpn http/1.1` : ""}${work === "logged" ? logged : ""}${hasTokens(work) ? verified : ""}${work === "limited" ? limited : ""}
  http-request return status 404 unless { path_beg /orders/ }
  default_backend app
backend app
  balance roundrobin
${targets.map((target, index) => `  server s${index} 127.0.0.1:${target}\n`).join("")}`,
    );
    return { command: ["haproxy", "-db", "-f", path], logsToStdout: true };
  },
};

const caddy: Contender = {
  name: "Caddy",
  install: "apt-get install caddy",
  cannot: ["limited", "jwt", "jwt-distinct", "tls"],
  version: () => said(["caddy", "version"], /v?([\d.]+)/),
  launch({ work, port, targets, log, folder, write }) {
    const logged = `
  log {
    output file ${log} {
      roll_disabled
    }
    format json
  }`;
    const path = write(
      "Caddyfile",
      `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1${work === "logged" ? logged : ""}
  handle /orders/* {
    ${work === "logged" ? "request_header X-Request-ID {http.request.uuid}" : ""}
    reverse_proxy ${targets.map((target) => `127.0.0.1:${target}`).join(" ")} {
      lb_policy round_robin
      transport http {
        keepalive_idle_conns_per_host 256
      }
    }
  }
  handle {
    respond 404
  }
}
`,
    );
    const command = ["caddy", "run", "--config", path, "--adapter", "caddyfile"];
    return { command, env: { GOMAXPROCS: "1", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder } };
  },
};

const fastify: Contender = {
  name: "Fastify",
  install: "npm ci (and Node.js)",
  cannot: ["limited", "jwt", "jwt-distinct", "tls"],
  version() {
    const manifest = join(ROOT, "node_modules/fastify/package.json");
    if (!existsSync(manifest) || !existsSync(join(ROOT, "node_modules/@fastify/http-proxy"))) return undefined;
    const node = said(["node", "--version"], /v([\d.]+)/);
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return node && `${version} on Node.js ${node}`;
  },
  launch({ work, port, targets }) {
    const urls = targets.map((target) => `http://127.0.0.1:${target}`);
    const script = join(ROOT, "scripts/bench/fastify-proxy.mjs");
    return {
      command: ["node", script, String(port), work, ...urls],
      env: { NODE_ENV: "production" },
      logsToStdout: true,
    };
  },
};

function sluice(
  name: string,
  executable: string,
  workers: number,
  { metrics, traces }: { readonly metrics: boolean; readonly traces: boolean },
): Contender {
  return {
    name,
    install: "npm run build",
    version: () => said([executable, "--version"], /(\d+\.\d+\.\d+\S*)/),
    launch({ work, port, targets, publicKey, certificate, write }) {
      const { cert, key } = certificate;
      const options = {
        listen: { port, host: "127.0.0.1", ...(work === "tls" ? { tls: { certificates: { cert, key } } } : {}) },
        // A build from before there were workers does not know the option.
        ...(workers === 1 ? {} : { workers }),
        ...(metrics ? { admin: { port: 0 }, shutdown: { drainDelay: "0s" } } : {}),
        // The upstream answers whatever it is asked: it is the collector, too.
        ...(traces
          ? { tracing: { sample: 0.01 }, otlp: { endpoint: `http://127.0.0.1:${targets[0]}`, metrics: false } }
          : {}),
        upstreams: { app: { targets: targets.map((target) => `http://127.0.0.1:${target}`) } },
        ...(work === "limited" ? { limits: { perAddress: { limit: 1_000_000, window: "1s", by: "address" } } } : {}),
        routes: {
          orders: {
            match: "/orders/*",
            to: "app",
            ...(hasTokens(work) ? { auth: "token" } : {}),
            ...(work === "limited" ? { limits: "perAddress" } : {}),
          },
        },
        log: work === "logged" ? { format: "json" } : false,
      };
      const scheme = JSON.stringify({ issuer: ISSUER, audience: AUDIENCE, publicKey, algorithms: ["RS256"] });
      const auth = hasTokens(work) ? `, auth: { token: jwt(${scheme}) }` : "";
      const path = write(
        "gateway.config.ts",
        `import { defineGateway, jwt } from "sluice";\nexport default defineGateway({ ...${JSON.stringify(options, null, 2)}${auth} } as never);\n`,
      );
      return { command: [executable, "run", path], logsToStdout: true };
    },
  };
}

/** Two nginx listeners that answer every request with 200 and {@link BODY}: the upstream of all. */
export function upstream(ports: readonly [number, number], folder: string, write: Setting["write"]): Launch {
  const server = `
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port};`).join(" ")}
    access_log off;
    location / { default_type application/json; return 200 '${BODY}'; }
  }`;
  return nginxLaunch(folder, write("nginx.conf", nginxConfig(folder, server)));
}

/** What the upstream answers. */
export const BODY = '{"ok":true,"items":[1,2,3,4,5]}';

function nginxLaunch(folder: string, config: string): Launch {
  return { command: ["nginx", "-e", join(folder, "error.log"), "-c", config] };
}

function nginxConfig(folder: string, http: string): string {
  // Started by root, the worker would otherwise become a user that may not enter the temporary folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `${user} worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  keepalive_requests 1000000000; keepalive_timeout 3600s;
  ${paths.map((path) => `${path}_temp_path ${folder}/${path};`).join(" ")}
${http}
}
`;
}

function said(command: readonly string[], pattern: RegExp): string | undefined {
  const [program, ...rest] = command;
  if (program === undefined) return undefined;
  const { stdout, stderr, error } = spawnSync(program, rest, { encoding: "utf8" });
  return error ? undefined : pattern.exec(stdout + stderr)?.[1];
}
