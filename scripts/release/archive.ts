// Archives that are the same whenever and wherever they are made: tar (ustar), gzip, zip and ar, with one time and no owner.
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

/** A file, or a folder when it has no content. */
export interface Entry {
  /** With "/" between folders, none at either end. Only ASCII. */
  readonly path: string;
  /** Permissions: 0o644. */
  readonly mode: number;
  readonly content: Uint8Array | undefined;
}

/** Entries in the order of their paths, with every folder before what is in it. */
export function withFolders(entries: readonly Entry[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    const names = entry.path.split("/");
    for (let i = 1; i < names.length; i++) {
      const path = names.slice(0, i).join("/");
      if (!all.has(path)) all.set(path, { path, mode: 0o755, content: undefined });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * A tar archive in the form ustar (POSIX.1-1988).
 * @param seconds time of all entries, Unix time
 * @param prefix before each path, such as "./"
 */
export function tar(entries: readonly Entry[], seconds: number, prefix = ""): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { path, mode, content } of entries) {
    const name = `${prefix}${path}${content === undefined ? "/" : ""}`;
    parts.push(tarHead(name, mode, content?.length ?? 0, content === undefined, seconds));
    if (content !== undefined) parts.push(content, new Uint8Array((512 - (content.length % 512)) % 512));
  }
  parts.push(new Uint8Array(1024));
  return Buffer.concat(parts);
}

function tarHead(name: string, mode: number, size: number, isFolder: boolean, seconds: number): Uint8Array {
  if (name.length > 100) throw new Error(`${name} is too long for a tar archive`);
  const head = Buffer.alloc(512);
  const number = (value: number, at: number, length: number): void => {
    head.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  };
  head.write(name, 0, "latin1");
  number(mode, 100, 8);
  number(0, 108, 8);
  number(0, 116, 8);
  number(size, 124, 12);
  number(seconds, 136, 12);
  head.write("        ", 148, "latin1");
  head.write(isFolder ? "5" : "0", 156, "latin1");
  head.write("ustar\x0000root", 257, "latin1");
  head.write("root", 297, "latin1");
  let sum = 0;
  for (const byte of head) sum += byte;
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return head;
}

/** Compressed, with no time and no system in its head. */
export function gzip(bytes: Uint8Array, level = 9): Uint8Array {
  const packed = gzipSync(bytes, { level });
  packed.fill(0, 4, 8);
  packed[9] = 255;
  return packed;
}

/** A zip archive (APPNOTE 2.0): deflated, with permissions as Unix has them. */
export function zip(entries: readonly Entry[], seconds: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  const [time, date] = dosTime(seconds);
  let offset = 0;
  for (const { path, mode, content } of entries) {
    const name = Buffer.from(content === undefined ? `${path}/` : path, "latin1");
    const plain = content ?? new Uint8Array();
    const packed = content === undefined ? plain : deflateRawSync(plain, { level: 9 });
    const same = Buffer.alloc(26);
    same.writeUInt16LE(20, 0);
    same.writeUInt16LE(content === undefined ? 0 : 8, 4);
    same.writeUInt16LE(time, 6);
    same.writeUInt16LE(date, 8);
    same.writeUInt32LE(crc32(plain), 10);
    same.writeUInt32LE(packed.length, 14);
    same.writeUInt32LE(plain.length, 18);
    same.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from("PK\x03\x04", "latin1"), same, name, packed);
    const central = Buffer.alloc(14);
    central.writeUInt32LE((((content === undefined ? 0o040000 : 0o100000) | mode) << 16) >>> 0, 6);
    central.writeUInt32LE(offset, 10);
    // Made by: version 2.0 on Unix.
    directory.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), same, central, name);
    offset += 30 + name.length + packed.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}

/** Date and time as MS-DOS has them, in UTC; nothing is before 1980. */
function dosTime(seconds: number): [time: number, date: number] {
  const at = new Date(Math.max(seconds, 315_532_800) * 1000);
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return [time, ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()];
}

/** An archive of ar, as Debian's packages are one: plain files with short names. */
export function ar(files: readonly (readonly [name: string, content: Uint8Array])[], seconds: number): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from("!<arch>\n")];
  for (const [name, content] of files) {
    const fields = [name.padEnd(16), String(seconds).padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
    parts.push(Buffer.from(`${fields.join("")}${String(content.length).padEnd(10)}\`\n`, "latin1"), content);
    if (content.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}
