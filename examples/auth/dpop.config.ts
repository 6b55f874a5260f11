// Tokens that are worth nothing to a thief: each is bound to a key, and every request proves that the caller has it.
// JWKS: the key set of the issuer. INTROSPECTION_SECRET: the secret of the client "gateway" at the authorization server.
import { defineGateway, env, introspection, jwt } from "sluice";

export default defineGateway({
  listen: { host: "127.0.0.1", port: 8080 },
  upstreams: { tools: { targets: [env("TOOLS", { default: "http://127.0.0.1:9001" })] } },
  auth: {
    bound: jwt({
      issuer: "https://login.example.com",
      audience: "https://api.example.com/mcp",
      jwks: env("JWKS", { default: "https://login.example.com/jwks.json" }),
      // An MCP server. Its metadata is at /.well-known/oauth-protected-resource/mcp.
      resource: { id: "https://api.example.com/mcp", scopes: ["tools:call"], name: "Tools" },
      dpop: "required",
    }),
    either: introspection({
      url: env("INTROSPECTION_URL", { default: "https://login.example.com/oauth2/introspect" }),
      clientId: "gateway",
      clientSecret: env("INTROSPECTION_SECRET"),
      // Bearer tokens are taken too, unless they are bound to a key.
      dpop: { mode: "accepted", origin: "https://api.example.com", algorithms: ["ES256", "Ed25519"], maxAge: "30s" },
    }),
  },
  routes: {
    mcp: { match: "/mcp", to: "tools", auth: "bound" },
    calls: { match: "/calls/*", to: "tools", auth: "either" },
  },
});
