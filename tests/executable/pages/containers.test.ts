// docs/containers.md: its config answers probes, and Dockerfile, Deployment and page agree with it.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { resolvePlan } from "../../../src/config/resolve.ts";
import config from "../../../examples/containers/gateway.config.ts";
import { exchange } from "../../support/raw-client.ts";
import { get } from "../../support/messages.ts";
import { withGateway } from "../../support/rig.ts";
import { codeBlocks, standsIn } from "../../rules/markdown.ts";
import { exampleText } from "./example.ts";

const FOLDER = resolve(import.meta.dir, "../../../examples/containers");
const TOKEN = "0123456789abcdef0123456789abcdef";
const linesOf = (name: string): string[] => readFileSync(resolve(FOLDER, name), "utf8").split("\n");

/** What the test reads of a Deployment. */
interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly readinessProbe: { readonly periodSeconds: number; readonly failureThreshold: number };
        }[];
      };
    };
  };
}

test("what docs/containers.md shows stands in the files of the example", () => {
  const shown = codeBlocks("docs/containers.md");
  for (const [language, file] of [
    ["dockerfile", "Dockerfile"],
    ["yaml", "deployment.yaml"],
  ] as const) {
    const { text } = shown.find((block) => block.language === language)!;
    expect(standsIn(linesOf(file), text.split("\n")), file).toBe(true);
  }
});

test("the Deployment has the ports of the config, and time enough for its drain", () => {
  const env = (name: string): string | undefined => (name === "ADMIN_TOKEN" ? TOKEN : undefined);
  const { plan } = resolvePlan(config, { env, file: () => undefined });
  const { terminationGracePeriodSeconds, containers } = (parse(linesOf("deployment.yaml").join("\n")) as Deployment)
    .spec.template.spec;
  const { ports, readinessProbe } = containers[0]!;
  expect(ports.map(({ containerPort }) => containerPort)).toEqual([plan!.listen.port, 9901]);
  const { delayMs, graceMs } = plan!.shutdown;
  expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(delayMs + graceMs);
  expect(delayMs).toBeGreaterThan(readinessProbe.periodSeconds * readinessProbe.failureThreshold * 1000);
});

withGateway(
  "gateway.config.ts of the container",
  {
    origins: { orders: {} },
    config: ({ orders }) =>
      exampleText("containers/gateway.config.ts")
        .replace('port: 9901, host: "0.0.0.0"', 'port: 0, host: "127.0.0.1"')
        .replace("http://orders.shop.svc.cluster.local:8080", orders.url.replace("127.0.0.1", "localhost")),
    start: { env: { ADMIN_TOKEN: TOKEN } },
  },
  (rig) => {
    test("probes need no token, and metrics do", async () => {
      const statuses = ["/livez", "/readyz", "/metrics"].map(async (path) => {
        const probe = get(path).replace("Host: gw.test", "Host: 10.1.2.3:9901");
        return (await exchange(rig.gateway.adminPort, probe)).status;
      });
      expect(await Promise.all(statuses)).toEqual([200, 200, 401]);
      expect((await rig.exchange(get("/orders/1"))).status).toBe(200);
    });
  },
);
