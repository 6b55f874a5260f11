// What systemd is told, where it asks to be told: sd_notify(3), as datagrams of our own.
import { cLibrary } from "../platforms/c-library.ts";
import { unixDatagrams } from "../platforms/unix-datagram.ts";

/** Beyond the drain itself, what the end of the process may take. */
const LATE_MS = 5000;
const CLOCK_MONOTONIC = 1;

/** The manager that has started this process. */
export interface ServiceManager {
  /** How often it wants to hear that all is alive, in milliseconds; undefined: it does not. */
  readonly watchdogMs: number | undefined;
  /** Says that the gateway serves (`READY=1`), with a line for `systemctl status`. */
  ready(status: string): void;
  /** The config is being loaded; `ready` says when that has ended, however it did. */
  reloading(): void;
  /** The gateway leaves, and takes so long at most. */
  stopping(mostMs: number): void;
  /** Another process is the service from now on: who is heard changes with it (`NotifyAccess=main`). */
  handsTo(pid: number): void;
  /** Says that every thread answers (`WATCHDOG=1`). */
  alive(): void;
}

/** The manager that the environment names; undefined where there is none: then nothing is loaded. */
export function serviceManager(
  environment: Readonly<Record<string, string | undefined>>,
  warn: (text: string) => void,
): ServiceManager | undefined {
  const address = environment["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return undefined;
  const datagrams = unixDatagrams();
  // A name that begins with @ is an abstract one: a zero stands in its place.
  const fd = datagrams?.connect(address.replace(/^@/, "\0"));
  if (datagrams === undefined || fd === undefined) {
    warn(`NOTIFY_SOCKET: ${address} takes no datagrams: the service manager is told nothing`);
    return undefined;
  }
  const now = monotonicClock();
  const tell = (...assignments: readonly string[]): void =>
    void datagrams.send(fd, new TextEncoder().encode(assignments.join("\n")));
  return {
    watchdogMs: watchdogOf(environment),
    ready: (status) => tell("READY=1", statusOf(status)),
    reloading: () => tell("RELOADING=1", `MONOTONIC_USEC=${now()}`, "STATUS=loads the config"),
    stopping: (mostMs) =>
      tell("STOPPING=1", `EXTEND_TIMEOUT_USEC=${(mostMs + LATE_MS) * 1000}`, "STATUS=lets exchanges finish"),
    handsTo: (pid) => tell(`MAINPID=${pid}`),
    alive: () => tell("WATCHDOG=1"),
  };
}

/** Microseconds of the system's monotonic clock: the runtime's own begins with the process. */
function monotonicClock(): () => bigint {
  const c = cLibrary({ clock_gettime: { args: ["i32", "ptr"], returns: "i32" } })!;
  const time = new BigInt64Array(2);
  return () => {
    c.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0]! * 1_000_000n + time[1]! / 1000n;
  };
}

/** See sd_watchdog_enabled(3). */
function watchdogOf(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = environment;
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  return microseconds !== undefined && /^[1-9]\d*$/.test(microseconds) ? Number(microseconds) / 1000 : undefined;
}

/** One line: the next would be an assignment. */
function statusOf(text: string): string {
  return `STATUS=${text.split("\n")[0]}`;
}
