// Signatures inside Mach-O files (macOS): whether one fits its file, and an ad-hoc one that does. Layout: Apple's cs_blobs.h.
import { createHash } from "node:crypto";

const SIGNATURE_COMMAND = 0x1d;
const SEGMENT_COMMAND = 0x19;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
/** Of a code directory up to the fields of version 0x20400. */
const DIRECTORY_HEAD = 88;
const SHA256 = 2;
/** Bytes of a page. */
const PAGE = 4096;

/** Where a Mach-O file has its signature, and its code. */
interface Layout {
  readonly at: number;
  readonly size: number;
  /** Of the command that says so, and of the segment that ends with the signature. */
  readonly command: number;
  readonly linkedit: number;
  /** Of the segment with the code: where it begins in the file, and how long it is. */
  readonly text: { readonly begin: number; readonly size: number };
}

/**
 * How many pages of the file are others than its signature says; macOS ends a process that meets one. @throws when there is
 * no signature with SHA-256
 */
export function changedPages(file: Buffer): number {
  const { at } = layoutOf(file);
  const count = file.readUInt32BE(at + 8);
  for (let i = 0; i < count; i++) {
    const directory = at + file.readUInt32BE(at + 12 + i * 8 + 4);
    if (file.readUInt32BE(directory) !== CODE_DIRECTORY || file[directory + 37] !== SHA256) continue;
    const hashes = directory + file.readUInt32BE(directory + 16);
    const pages = file.readUInt32BE(directory + 28);
    const limit = file.readUInt32BE(directory + 32);
    const bits = file[directory + 39]!;
    let changed = 0;
    for (let page = 0; page < pages; page++) {
      const told = file.subarray(hashes + page * 32, hashes + (page + 1) * 32);
      if (!hashOf(file, page << bits, Math.min((page + 1) << bits, limit)).equals(told)) changed += 1;
    }
    return changed;
  }
  throw new Error("the file has no signature with SHA-256");
}

/**
 * The file with an ad-hoc signature in the place of the one at its end: it names nobody, and fits the file.
 * @param name what the code is called: "sluice"
 */
export function signedAdHoc(file: Buffer, name: string): Buffer {
  const { at, size, command, linkedit, text } = layoutOf(file);
  if (at + size !== file.length) throw new Error("the signature does not stand at the end of the file");
  const pages = Math.ceil(at / PAGE);
  const hashes = DIRECTORY_HEAD + name.length + 1;
  const length = hashes + pages * 32;
  const room = Math.ceil((20 + length) / 16) * 16;
  const signed = Buffer.concat([file.subarray(0, at), Buffer.alloc(room)]);
  // The head tells of the signature, and is signed itself.
  const linked = at + room - Number(signed.readBigUInt64LE(linkedit + 40));
  signed.writeUInt32LE(room, command + 12);
  signed.writeBigUInt64LE(BigInt(Math.ceil(linked / PAGE) * PAGE), linkedit + 32);
  signed.writeBigUInt64LE(BigInt(linked), linkedit + 48);

  const directory = Buffer.alloc(length);
  // 0x2: ad hoc.
  const head = [CODE_DIRECTORY, length, 0x20400, 0x2, hashes, DIRECTORY_HEAD, 0, pages, at];
  head.forEach((value, i) => directory.writeUInt32BE(value, i * 4));
  directory.set([32, SHA256, 0, Math.log2(PAGE)], 36);
  directory.writeBigUInt64BE(BigInt(text.begin), 64);
  directory.writeBigUInt64BE(BigInt(text.size), 72);
  // It is a program, not a library.
  directory.writeBigUInt64BE(1n, 80);
  directory.write(`${name}\0`, DIRECTORY_HEAD, "latin1");
  for (let page = 0; page < pages; page++) {
    directory.set(hashOf(signed, page * PAGE, Math.min((page + 1) * PAGE, at)), hashes + page * 32);
  }
  [SUPER_BLOB, 20 + length, 1, 0, 20].forEach((value, i) => signed.writeUInt32BE(value, at + i * 4));
  signed.set(directory, at + 20);
  return signed;
}

function hashOf(file: Buffer, begin: number, end: number): Buffer {
  return createHash("sha256").update(file.subarray(begin, end)).digest();
}

function layoutOf(file: Buffer): Layout {
  if (file.readUInt32LE(0) !== 0xfeedfacf) throw new Error("the file is no Mach-O of 64 bits");
  let command: number | undefined;
  let linkedit: number | undefined;
  let text = { begin: 0, size: 0 };
  let at = 32;
  for (let commands = file.readUInt32LE(16); commands > 0; commands--) {
    const kind = file.readUInt32LE(at);
    const segment = kind === SEGMENT_COMMAND ? file.toString("latin1", at + 8, at + 24).replace(/\0.*/s, "") : "";
    if (kind === SIGNATURE_COMMAND) command = at;
    if (segment === "__LINKEDIT") linkedit = at;
    if (segment === "__TEXT") {
      text = { begin: Number(file.readBigUInt64LE(at + 40)), size: Number(file.readBigUInt64LE(at + 48)) };
    }
    at += file.readUInt32LE(at + 4);
  }
  if (command === undefined || linkedit === undefined) throw new Error("the file has no place for a signature");
  return { at: file.readUInt32LE(command + 8), size: file.readUInt32LE(command + 12), command, linkedit, text };
}
