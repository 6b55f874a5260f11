// What clients get while a service has no answer: another one's, or one that stands here. SEARCH, OLD: the services' URLs.
import { defineGateway, env } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: {
    search: {
      targets: [env("SEARCH", { default: "http://127.0.0.1:9001" })],
      // Also in place of an answer that says it cannot serve now.
      fallback: { to: "old", on: [502, 503] },
    },
    old: {
      targets: [env("OLD", { default: "http://127.0.0.1:9002" })],
      fallback: { answer: { status: 200, body: { results: [], partial: true } } },
    },
  },

  routes: { search: { match: "/search", to: "search" } },
});
