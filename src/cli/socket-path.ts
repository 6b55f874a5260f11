// The path of a Unix socket to listen on: freed of what a dead process left, and why it cannot be had.
import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { messageOf } from "../errors.ts";
import { EXIT, Refusal, systemCode } from "./exit.ts";

const ANOTHER = "take another path: admin.socket in the config";

/** Removes a socket on which nobody listens any more. Whatever else is there stays, and listening fails. */
export async function clearPath(path: string): Promise<void> {
  if (isSocket(path) && (await isDead(path))) unlinkSync(path);
}

/** The refusal for what `listen` threw: 77 when it is not permitted, else 71. */
export function pathRefusal(error: unknown, path: string): Refusal {
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
