// The routes at which clients find out about the API as a protected resource of OAuth (RFC 9728 section 3).
import { type RoutePlan, WITHOUT_POLICIES } from "../plan.ts";
import type { OAuthPlan } from "./oauth.ts";
import type { SchemePlan } from "./plan.ts";
import type { ResourcePlan } from "./protected-resource.ts";

/** A scheme whose resource is published. */
interface Published {
  readonly scheme: OAuthPlan;
  readonly resource: ResourcePlan;
}

/** One route for each resource that schemes name. Schemes of one resource share its document. */
export function resourceRoutes(schemes: readonly SchemePlan[], log: boolean, clientCertificates: boolean): RoutePlan[] {
  const published = schemes.flatMap((scheme): Published[] =>
    "resource" in scheme && scheme.resource !== undefined ? [{ scheme, resource: scheme.resource }] : [],
  );
  const byId = Map.groupBy(published, ({ resource }) => resource.id);
  const byPath = Map.groupBy([...byId.values()], ([first]) => first!.resource.metadataPath);
  return [...byId.values()].map((group): RoutePlan => {
    const [{ scheme, resource }] = group as [Published, ...Published[]];
    const { metadataPath, origin } = resource;
    // A gateway that is known under one name answers under every name: what clients compare is `resource` itself.
    const hosts = byPath.get(metadataPath)!.length === 1 ? [] : [new URL(origin).hostname];
    return {
      name: `sluice.resource.${scheme.name}`,
      matches: [{ path: metadataPath, methods: ["GET"], hosts, headers: [], query: [] }],
      ...WITHOUT_POLICIES,
      cors: { origins: "*", methods: ["GET"], headers: undefined, expose: [], credentials: false, maxAgeSeconds: 600 },
      destination: {
        kind: "answer",
        answer: { headers: { "Cache-Control": "public, max-age=300" }, body: metadataOf(group, clientCertificates) },
      },
      log,
    };
  });
}

/** The document (RFC 9728 section 2). Members without a value are left out. */
function metadataOf(group: readonly Published[], clientCertificates: boolean): Readonly<Record<string, unknown>> {
  const resources = group.map(({ resource }) => resource);
  const proofs = group.map(({ scheme }) => scheme.dpop);
  const algorithms = union(proofs.map((dpop) => dpop?.algorithms ?? []));
  const scopes = union(resources.map((resource) => resource.scopes));
  return {
    resource: resources[0]!.id,
    resource_name: resources.find(({ name }) => name !== undefined)?.name,
    authorization_servers: union(resources.map(({ authorizationServers }) => authorizationServers)),
    scopes_supported: scopes.length === 0 ? undefined : scopes,
    bearer_methods_supported: ["header"],
    resource_documentation: resources.find(({ documentation }) => documentation !== undefined)?.documentation,
    dpop_signing_alg_values_supported: algorithms.length === 0 ? undefined : algorithms,
    dpop_bound_access_tokens_required: proofs.every((dpop) => dpop?.required === true),
    tls_client_certificate_bound_access_tokens: clientCertificates,
  };
}

function union(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())];
}
