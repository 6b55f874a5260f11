// All that can be asked of the admin listener, by method and path.
import { access, config, reload, upgrade, version } from "./acts/config.ts";
import { healthz, livez, readyz } from "./acts/health.ts";
import { restore as restoreKey, revoke, revoked } from "./acts/keys.ts";
import { limits, resetLimits } from "./acts/limits.ts";
import { logLevel, setLogLevel } from "./acts/log-level.ts";
import { metrics } from "./acts/metrics.ts";
import { drain, restore, targets } from "./acts/targets.ts";
import { content } from "./answers.ts";
import type { Offer } from "./offer.ts";
import { openApiText } from "./openapi.ts";

/** GET /openapi.json */
const openapi: Offer = {
  about: "this document",
  open: true,
  answers: { 200: { about: "An OpenAPI 3.1 document.", schema: { type: "object" } } },
  act({ x, overseen }) {
    const { admin } = overseen.plan();
    const text = openApiText(ACTS, overseen.build.version, admin?.token !== undefined);
    return content(x, 200, "application/json", text);
  },
};

/** GET /live/events */
const events: Offer = {
  about: "what happens, once a second",
  answers: { 200: { about: "Server-sent events, until who asks has enough.", types: ["text/event-stream"] } },
  act: ({ x, live }) => live.answer(x),
};

/** What can be asked, but for the files of the live page. GET takes HEAD too. */
export const ACTS: Readonly<Record<string, Offer>> = {
  "GET /livez": livez,
  "GET /readyz": readyz,
  "GET /healthz": healthz,
  "GET /metrics": metrics,
  "GET /targets": targets,
  "POST /targets/drain": drain,
  "POST /targets/restore": restore,
  "GET /limits": limits,
  "POST /limits/reset": resetLimits,
  "GET /keys/revoked": revoked,
  "POST /keys/revoke": revoke,
  "POST /keys/restore": restoreKey,
  "GET /log-level": logLevel,
  "POST /log-level": setLogLevel,
  "GET /config": config,
  "POST /reload": reload,
  "POST /upgrade": upgrade,
  "GET /version": version,
  "GET /openapi.json": openapi,
  "GET /live/access": access,
  "GET /live/events": events,
};
