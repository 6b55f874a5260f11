// Callers with a name and a password. `sluice password` reads a password and prints its hash.
// ADA_PASSWORD_HASH, OPS_PASSWORD_HASH: hashes. WIKI: the service's URL.
import { basic, defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { wiki: { targets: [env("WIKI", { default: "http://127.0.0.1:9001" })] } },
  consumers: {
    ada: { groups: ["staff"], password: env("ADA_PASSWORD_HASH") },
    ops: { groups: ["staff", "ops"], password: env("OPS_PASSWORD_HASH") },
  },
  auth: { login: basic({ realm: "wiki" }) },
  routes: {
    wiki: { match: "/wiki/*", to: "wiki", auth: "login" },
    admin: { match: "/wiki/admin/*", to: "wiki", auth: "login", allow: { groups: ["ops"] } },
  },
});
