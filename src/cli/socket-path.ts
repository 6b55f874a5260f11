// The path of a Unix socket to listen on: freed of what a dead process left, and why it cannot be had.
import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import { passingLock } from "../platforms/file-lock.ts";
import { EXIT, Refusal, systemCode } from "./exit.ts";

const ANOTHER = "take another path: admin.socket in the config";
/** Whoever starts at the same moment has the path to itself for some milliseconds. */
const PATIENCE_MS = 5000;
const LOOK_MS = 5;

/**
 * Listens on a path. A socket on which nobody listens any more is removed before; whatever else is there stays, and
 * listening fails. From the look at it until it listens it has the path to itself: a file beside it, `.lock`, which is there
 * for so long, keeps others away. @throws what `listen` throws, and Refusal where others have the path for too long
 */
export async function listenAtPath<T>(path: string, listen: () => T, patienceMs = PATIENCE_MS): Promise<T> {
  const letGo = await lockOf(path, patienceMs);
  try {
    if (isSocket(path) && (await isDead(path))) unlinkSync(path);
    return listen();
  } finally {
    letGo();
  }
}

async function lockOf(path: string, patienceMs: number): Promise<() => void> {
  const file = `${path}.lock`;
  for (const until = performance.now() + patienceMs; ;) {
    const letGo = passingLock(file);
    if (letGo !== undefined) return letGo;
    if (performance.now() > until) {
      throw new Refusal(EXIT.os, `Cannot listen on ${path}: another process holds ${file}.`, {
        hint: `Find it with: fuser ${file}\nOr ${ANOTHER}.`,
      });
    }
    await setTimeout(LOOK_MS);
  }
}

/** The refusal for what `listen` threw: 77 when it is not permitted, else 71. */
export function pathRefusal(error: unknown, path: string): Refusal {
  if (error instanceof Refusal) return error;
  const what = `Cannot listen on ${path}:`;
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return isSocket(path)
        ? new Refusal(EXIT.os, `${what} another process listens there.`, {
            hint: `Find it with: ss -lxp src ${path}\nOr ${ANOTHER}.`,
          })
        : new Refusal(EXIT.os, `${what} something is there that is no socket.`, { hint: `Remove it, or ${ANOTHER}.` });
    case "ENOENT":
      return new Refusal(EXIT.os, `${what} its folder is not there.`, { hint: `Make the folder, or ${ANOTHER}.` });
    case "EACCES":
      return new Refusal(EXIT.permission, `${what} not permitted.`, {
        hint: `Let the gateway's user write to its folder, or ${ANOTHER}.`,
      });
    default:
      return new Refusal(EXIT.os, `${what} ${messageOf(error)}.`);
  }
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** Only a refusal shows it: who may not connect, or finds the queue full, meets one that lives. */
function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(systemCode(error) === "ECONNREFUSED"));
  });
}
