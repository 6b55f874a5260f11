// What a process and its children have used, from /proc (Linux): CPU time, resident memory, open sockets.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

interface Usage {
  readonly parent: number;
  /** utime + stime, and those of children that have ended, in clock ticks. */
  readonly ticks: number;
}

/** CPU seconds (user and system) of the process and of all below it, those that have ended included. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const member of processTree(pid)) ticks += usageOf(member)?.ticks ?? 0;
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory of the process and of all below it in bytes. Pages that several share count for each. */
export function residentBytes(pid: number): number {
  let kibibytes = 0;
  for (const member of processTree(pid)) {
    kibibytes += Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${member}/status`))?.[1] ?? 0);
  }
  return kibibytes * 1024;
}

/** Sockets that the process and all below it hold open. */
export function openSockets(pid: number): number {
  let sockets = 0;
  for (const member of processTree(pid)) {
    for (const descriptor of list(`/proc/${member}/fd`)) {
      if (linkOf(`/proc/${member}/fd/${descriptor}`).startsWith("socket:")) sockets++;
    }
  }
  return sockets;
}

function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of list("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = usageOf(pid)?.parent;
    if (parent === undefined) continue;
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [pid]);
    else siblings.push(pid);
  }
  const tree: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    tree.push(pid);
    open.push(...(childrenOf.get(pid) ?? []));
  }
  return tree;
}

function usageOf(pid: number): Usage | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  // proc(5): the name in parentheses may hold spaces; behind it field 3 comes first.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) };
}

// A process may end between two looks: what cannot be read counts as nothing.
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
