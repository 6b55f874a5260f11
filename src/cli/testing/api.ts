// What a test may import: `import { expect, gateway, test } from "sluice/test"`.
export { afterEach, beforeEach, describe, test } from "./collect.ts";
export type { Each, Test, TestBody, TestLimits } from "./collect.ts";
export { expect } from "./expect.ts";
export type { Expect, Matchers, SettledMatchers } from "./expect.ts";
export { gateway, keyHash } from "./gateway.ts";
export type {
  Reaction,
  Reactor,
  Reply,
  Seen,
  TestBodyContent,
  TestClock,
  TestGateway,
  TestGatewayOptions,
  TestRequest,
  TestUpstream,
} from "./options.ts";
