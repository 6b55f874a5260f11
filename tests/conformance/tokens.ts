// Conformance: access tokens that an authorization server knows, proofs that go with them, and the metadata of the API.
import { expect } from "bun:test";
import { DpopClient } from "../support/dpop-client.ts";
import { get, problemOf } from "../support/messages.ts";
import { jsonAnswer, TokenEndpoint } from "../support/token-endpoint.ts";
import type { Kit, Promised } from "./kit.ts";

/** The secret is the KEY of the config's environment, encoded as in a form (RFC 6749 section 2.3.1). */
const endpoint = new TokenEndpoint("gateway", "the+key+of+the+tests");
const client = await DpopClient.make();

endpoint.about.set("good", { active: true, sub: "ada", client_id: "acme-app", scope: "read" });
endpoint.about.set("failing", (x) => x.send(jsonAnswer({ active: true }, "HTTP/1.1 500 Internal Server Error\r\n")));
endpoint.about.set("bound", { active: true, cnf: { jkt: client.thumbprint } });

/** Lets the origin be the authorization server too. */
function serve({ origin }: Kit): void {
  origin.at("/introspect", endpoint.behaviour);
}

/** Promises about tokens. */
export const TOKENS: readonly Promised[] = [
  {
    name: "a token passes that the authorization server calls active, and is asked about once",
    async holds(kit) {
      serve(kit);
      endpoint.asked.length = 0;
      for (let i = 0; i < 2; i++)
        expect((await kit.send(get("/token/good", "Authorization: Bearer good"))).status).toBe(200);
      expect(endpoint.asked).toEqual(["good"]);
      expect(kit.origin.requestsTo("/token/good")[0]!.fields.one("x-consumer")).toBe("acme");
    },
  },
  {
    name: "a token is refused that it does not, with the place of the metadata, which says where tokens come from",
    async holds(kit) {
      serve(kit);
      const response = await kit.send(get("/token/bad", "Authorization: Bearer bad"));
      expect([response.status, problemOf(response).code]).toEqual([401, "invalid_credentials"]);
      const metadata = "https://api.example.test/.well-known/oauth-protected-resource/token";
      for (const challenge of response.fields
        .all("www-authenticate")
        .join(", ")
        .split(/, (?=DPoP )/)) {
        expect(challenge).toEndWith(`resource_metadata="${metadata}"`);
      }
      const document = await kit.send(get(new URL(metadata).pathname, "Origin: https://inspector.example.test"));
      expect(document.fields.one("access-control-allow-origin")).toBe("*");
      expect(JSON.parse(document.body.text)).toMatchObject({
        resource: "https://api.example.test/token",
        authorization_servers: ["https://login.example.test"],
      });
    },
  },
  {
    name: "nobody passes while the authorization server fails",
    async holds(kit) {
      serve(kit);
      const response = await kit.send(get("/token/failing", "Authorization: Bearer failing"));
      expect([response.status, problemOf(response).code]).toEqual([503, "authentication_unavailable"]);
      expect(kit.origin.requestsTo("/token/failing")).toHaveLength(0);
    },
  },
  {
    name: "a token that is bound to a key passes with a proof for this request, and once with each",
    async holds(kit) {
      serve(kit);
      const proof = (path: string): Promise<string> =>
        client.proof({ uri: `${kit.scheme}://gw.test${path}`, token: "bound", at: Date.now() });
      const send = async (proof: string, word = "DPoP"): Promise<number> =>
        (await kit.send(get("/token/bound?q", `Authorization: ${word} bound`, `DPoP: ${proof}`))).status;
      const right = await proof("/token/bound");
      expect(await send(right, "Bearer")).toBe(401);
      expect(await send(await proof("/token/other"))).toBe(401);
      expect(await send(right)).toBe(200);
      expect(await send(right)).toBe(401);
      expect(await send(await proof("/token/bound"))).toBe(200);
    },
  },
];
