// The Debian package, really installed, updated and purged: under a systemd of the test's own, over a view of this machine.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatherContents } from "../../scripts/release/contents.ts";
import { debPackage } from "../../scripts/release/deb.ts";
import { until } from "../support/deadline.ts";
import { configText, EXECUTABLE } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { exchange, refuses } from "../support/raw-client.ts";
import { missing } from "../support/requirements.ts";
import { bootSystemd, type Systemd } from "../support/systemd.ts";
import { ROOT } from "../rules/source.ts";

const lack = missing("dpkg-deb") ?? (process.arch === "x64" || process.arch === "arm64" ? undefined : "no package");
const booted = lack ?? (await bootSystemd());
const systemd = booted as Systemd;
const why = typeof booted === "string" ? ` (skipped: ${booted})` : "";

/** Packages by version. */
const folder = mkdtempSync(join(tmpdir(), "sluice-deb-"));
afterAll(async () => {
  if (typeof booted !== "string") await booted.end();
  rmSync(folder, { recursive: true });
});

/** Where they are inside. */
const PACKAGES = "/var/cache/packages";

const CONFIG = "/etc/sluice/gateway.config.ts";

/** A config that answers with this body, on a port that the system chooses. */
const answering = (body: string): string =>
  configText({ routes: { all: { match: "/*", answer: { body } } }, shutdown: { drainDelay: "0s" } });

async function inside(...command: readonly string[]): Promise<string> {
  const { code, text } = await systemd.run(...command);
  expect({ command, code, text: code === 0 ? "" : text }).toEqual({ command, code: 0, text: "" });
  return text;
}

const state = async (): Promise<string> => (await systemd.show("ActiveState"))["ActiveState"]!;

/** Where it listens, once it does. */
const port = (): Promise<number> =>
  until(
    async () => Number(/:(\d+) \(/.exec((await systemd.show("StatusText"))["StatusText"] ?? "")?.[1]) || undefined,
    "the port",
  );

async function install(version: string): Promise<void> {
  await inside("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", `${PACKAGES}/${version}.deb`);
}

describe.skipIf(why !== "")(`the Debian package${why}`, () => {
  beforeAll(async () => {
    const contents = await gatherContents(ROOT, { version: "1.0.0", date: "2026-01-02" });
    const architecture = process.arch === "arm64" ? "arm64" : "amd64";
    const executable = readFileSync(EXECUTABLE);
    for (const version of ["1.0.0", "1.0.1"]) {
      const options = { version, architecture, executable, seconds: 1_767_323_046, level: 1 } as const;
      writeFileSync(join(folder, `${version}.deb`), debPackage(contents, options));
    }
    // What the rig itself has put there.
    await inside("umount", "/usr/bin/sluice");
    // Behind it is the folder with the packages. It comes back when a unit asks for it.
    await inside("umount", "--lazy", "/tmp");
    await inside("cp", "-r", folder, PACKAGES);
    // Images of containers forbid packages to start and stop services.
    await inside("rm", "-f", "/usr/sbin/policy-rc.d");
    await inside("rm", "-f", "/etc/systemd/system/sluice.service", "/usr/bin/sluice");
    await inside("rm", "-rf", "/etc/sluice");
    await inside("systemctl", "daemon-reload");
  }, 60_000);

  test("is installed and enabled; without a config nothing runs, and nothing has failed", async () => {
    await install("1.0.0");
    expect(await inside("dpkg-query", "--show", "--showformat=${Version} ${db:Status-Status}", "sluice")).toBe(
      "1.0.0 installed",
    );
    expect(await inside("/usr/bin/sluice", "--version")).toStartWith("sluice ");
    expect((await inside("systemctl", "is-enabled", "sluice")).trim()).toBe("enabled");
    expect(await state()).toBe("inactive");
    expect(await inside("dpkg", "--verify", "sluice")).toBe("");
  });

  test("with a config the service runs", async () => {
    await systemd.write(CONFIG, answering("hello"));
    await inside("systemctl", "start", "sluice");
    expect((await exchange(await port(), get("/"))).body.text).toBe("hello");
  });

  test("an update runs the new executable, and keeps what the operator has written", async () => {
    await inside("sh", "-c", "echo GREETING=hi >> /etc/sluice/sluice.env");
    const { MainPID: before } = await systemd.show("MainPID");
    await install("1.0.1");
    expect(await state()).toBe("active");
    expect((await systemd.show("MainPID"))["MainPID"]).not.toBe(before!);
    expect(await inside("tail", "-n1", "/etc/sluice/sluice.env")).toBe("GREETING=hi\n");
    expect((await exchange(await port(), get("/"))).body.text).toBe("hello");
  });

  test("removed, the service has ended and its files are gone; purged, only the config stays", async () => {
    const at = await port();
    await inside("dpkg", "--remove", "sluice");
    await refuses(at);
    expect((await systemd.run("test", "-e", "/usr/bin/sluice")).code).toBe(1);
    expect((await systemd.run("test", "-e", "/etc/sluice/sluice.env")).code).toBe(0);
    await inside("dpkg", "--purge", "sluice");
    expect((await inside("ls", "/etc/sluice")).trim()).toBe("gateway.config.ts");
    expect(
      await inside("find", "/etc/systemd", "/var/lib/systemd/deb-systemd-helper-enabled", "-name", "sluice*"),
    ).toBe("");
    const folders = ["lib", "cache", "log"].flatMap((each) => [`/var/${each}`, `/var/${each}/private`]);
    expect(await inside("find", ...folders, "-maxdepth", "1", "-name", "sluice*")).toBe("");
  });
});
