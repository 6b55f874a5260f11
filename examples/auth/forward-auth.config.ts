// A service of your own decides who passes: oauth2-proxy for the shop, Authelia for the wiki.
import { defineGateway, forwardAuth } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    shop: { targets: ["http://127.0.0.1:9001"] },
    wiki: { targets: ["http://127.0.0.1:9002"] },
    // The login pages themselves.
    oauth2Proxy: { targets: ["http://127.0.0.1:4180"], host: "client" },
  },
  consumers: {
    // Whom the services call ada@example.com and ada is one consumer here.
    ada: { groups: ["staff"], subjects: { oauth: ["ada@example.com"], authelia: ["ada"] } },
  },
  auth: {
    // Run with --reverse-proxy --set-xauthrequest --upstream=static://202: "/" redirects to the login.
    oauth: forwardAuth({
      url: "http://127.0.0.1:4180/",
      copy: ["X-Auth-Request-User", "X-Auth-Request-Email"],
      subject: "X-Auth-Request-Email",
      // A session that oauth2-proxy has refreshed reaches the browser.
      cookies: ["_oauth2_proxy"],
    }),
    authelia: forwardAuth({
      url: "http://127.0.0.1:9091/api/authz/forward-auth",
      copy: ["Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name>X-Full-Name"],
      subject: "Remote-User",
      timeout: "3s",
    }),
  },
  routes: {
    login: { match: "/oauth2/*", to: "oauth2Proxy", auth: "none" },
    shop: { match: "/shop/*", to: "shop", auth: "oauth" },
    wiki: { match: "/wiki/*", to: "wiki", auth: "authelia" },
    admin: { match: "/wiki/admin/*", to: "wiki", auth: "authelia", allow: { groups: ["staff"] } },
  },
});
