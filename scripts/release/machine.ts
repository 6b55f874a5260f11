// What an executable file is for, read from its first bytes: the bundler does not look at the runtime that it is given.
import { closeSync, openSync, readSync } from "node:fs";

/** A system and a CPU, and on Linux a C library. */
export interface Machine {
  readonly system: "linux" | "macos" | "windows";
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl" | undefined;
}

/** As much of a file as holds its headers and the name of its loader. */
const HEAD = 8192;

/** For what the file is. @throws when it is no executable of a known kind */
export function machineOf(file: string): Machine {
  const head = Buffer.alloc(HEAD);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, head, 0, HEAD, 0);
  } finally {
    closeSync(descriptor);
  }
  const found = machineIn(head);
  if (found === undefined) throw new Error(`${file} is no executable of a known kind`);
  return found;
}

/** The same, from the bytes at the beginning of a file; undefined when they are of no known kind. */
export function machineIn(head: Buffer): Machine | undefined {
  if (head.length < 64) return undefined;
  if (head.toString("latin1", 0, 4) === "\x7FELF") return elf(head);
  if (head.readUInt32LE(0) === 0xfeedfacf) {
    const cpu = cpuOf(head.readUInt32LE(4), 0x01000007, 0x0100000c);
    return cpu && { system: "macos", cpu, libc: undefined };
  }
  if (head.toString("latin1", 0, 2) === "MZ") {
    const at = head.readUInt32LE(0x3c);
    if (at + 6 > head.length || head.toString("latin1", at, at + 4) !== "PE\0\0") return undefined;
    const cpu = cpuOf(head.readUInt16LE(at + 4), 0x8664, 0xaa64);
    return cpu && { system: "windows", cpu, libc: undefined };
  }
  return undefined;
}

/** 64 bits, least byte first: the only form that the runtimes have. The loader's name tells the C library. */
function elf(head: Buffer): Machine | undefined {
  const cpu = cpuOf(head.readUInt16LE(18), 62, 183);
  if (head[4] !== 2 || head[5] !== 1 || cpu === undefined) return undefined;
  const [table, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = table; at < table + size * count && at + 40 <= head.length; at += size) {
    const isInterpreter = head.readUInt32LE(at) === 3;
    if (!isInterpreter) continue;
    const offset = Number(head.readBigUInt64LE(at + 8));
    const loader = head.toString("latin1", offset, offset + 64).replace(/\0.*/s, "");
    if (loader.includes("/ld-musl-")) return { system: "linux", cpu, libc: "musl" };
    if (loader.includes("/ld-linux-")) return { system: "linux", cpu, libc: "glibc" };
  }
  return undefined;
}

function cpuOf(code: number, x64: number, arm64: number): Machine["cpu"] | undefined {
  return code === x64 ? "x64" : code === arm64 ? "arm64" : undefined;
}

/** "linux x64 glibc", for messages. */
export function machineText({ system, cpu, libc }: Machine): string {
  return [system, cpu, libc].filter((part) => part !== undefined).join(" ");
}
