// Targets that are found while the gateway runs: by DNS, by SRV records, in a file, by a function.
// ORDERS: the URL of a service whose host is a name. REGISTRY: a service that says where the instances of `search` are.
import { defineGateway, env, type FindTargets } from "sluice";

const registry = process.env["REGISTRY"] ?? "http://127.0.0.1:8500";

const instances: FindTargets = async (signal) => {
  const response = await fetch(`${registry}/instances/search`, { signal });
  if (!response.ok) throw new Error(`the registry answers ${response.status}`);
  return (await response.json()) as { url: string; weight: number }[];
};

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },

  upstreams: {
    // Every address of the name is a target.
    orders: { targets: { dns: env("ORDERS", { default: "http://localhost:9001" }) } },
    // Hosts, ports, weights and priorities are in DNS.
    users: { targets: { srv: "_http._tcp.users.internal", refresh: { max: "10s" } } },
    // A list in a file, which may change.
    shop: { targets: { file: "discovery.targets.yaml" } },
    // Whatever a function finds.
    search: { targets: { from: instances, every: "10s" } },
  },

  routes: {
    orders: { match: "/orders/*", to: "orders" },
    users: { match: "/users/*", to: "users" },
    shop: { match: "/shop/*", to: "shop" },
    search: { match: "/search/*", to: "search" },
    ready: { match: "/readyz", answer: "readiness" },
  },
});
