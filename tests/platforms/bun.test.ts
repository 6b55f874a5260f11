// The Socket contract on Bun.
import { describe, test } from "bun:test";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";
import { SOCKET_PROMISES } from "./socket-contract.ts";

const lack = missing("openssl");
const kit = { platform: bunPlatform(), pems: lack === undefined ? certificates() : undefined };

describe("a socket on Bun", () => {
  for (const { name, needsTls, except, holds } of SOCKET_PROMISES) {
    const reason = except.bun ?? (needsTls ? lack : undefined);
    if (reason !== undefined) test.skip(`${name} (skipped on Bun: ${reason})`, () => undefined);
    else test(name, () => holds(kit), 20_000);
  }
});
