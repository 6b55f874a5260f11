// Signatures of macOS: one that was put into a file fits it, and a page that has changed is found.
import { describe, expect, test } from "bun:test";
import { changedPages, signedAdHoc } from "../../scripts/release/mach-signature.ts";

const CODE = 3 * 4096 + 100;

/** A file with code of three pages and a bit, and a signature of so many bytes, which does not fit. */
function machO(size: number): Buffer {
  const segment = (name: string, begin: number, length: number): Buffer => {
    const command = Buffer.alloc(72);
    command.writeUInt32LE(0x19, 0);
    command.writeUInt32LE(72, 4);
    command.write(name, 8, "latin1");
    command.writeBigUInt64LE(BigInt(begin), 40);
    command.writeBigUInt64LE(BigInt(length), 48);
    return command;
  };
  const words = (...values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => bytes.writeUInt32LE(value, i * 4));
    return bytes;
  };
  const head = [
    words(0xfeedfacf, 0x01000007, 3, 2, 3, 160, 0, 0),
    segment("__TEXT", 0, 8192),
    segment("__LINKEDIT", 8192, CODE + size - 8192),
    words(0x1d, 16, CODE, size),
  ];
  const file = Buffer.alloc(CODE + size, 0xab);
  file.set(Buffer.concat(head));
  return file;
}

describe.each([64, 4096])("an ad-hoc signature in the place of one of %d bytes", (before) => {
  const file = signedAdHoc(machO(before), "sluice");
  const directory = CODE + 20;

  test("fits the file that it was put into", () => {
    expect(changedPages(file)).toBe(0);
  });

  test.each([
    [0, 1],
    [4096, 1],
    [CODE - 1, 1],
  ])("tells that the byte at %d has changed", (at, pages) => {
    const other = Buffer.from(file);
    other[at === 0 ? 300 : at]! ^= 1;
    expect(changedPages(other)).toBe(pages);
  });

  test("is one code directory, ad hoc, of the whole file up to the signature", () => {
    const words = [0, 4, 8, 12, 16].map((at) => file.readUInt32BE(CODE + at));
    expect(words).toEqual([0xfade0cc0, 20 + file.readUInt32BE(directory + 4), 1, 0, 20]);
    expect(file.readUInt32BE(directory)).toBe(0xfade0c02);
    expect(file.readUInt32BE(directory + 12)).toBe(2);
    expect([file.readUInt32BE(directory + 28), file.readUInt32BE(directory + 32)]).toEqual([4, CODE]);
    expect([...file.subarray(directory + 36, directory + 40)]).toEqual([32, 2, 0, 12]);
    expect(file.readBigUInt64BE(directory + 72)).toBe(8192n);
    expect(file.toString("latin1", directory + 88, directory + 95)).toBe("sluice\0");
  });

  test("ends the file, whose head tells how long it is", () => {
    const size = file.length - CODE;
    expect(size - file.readUInt32BE(CODE + 4)).toBeLessThan(16);
    expect(file.readUInt32LE(32 + 72 + 72 + 12)).toBe(size);
    const linkedit = 32 + 72;
    expect(Number(file.readBigUInt64LE(linkedit + 40) + file.readBigUInt64LE(linkedit + 48))).toBe(file.length);
    expect(file.readBigUInt64LE(linkedit + 32) >= file.readBigUInt64LE(linkedit + 48)).toBe(true);
  });
});

test("what is no Mach-O, and one whose signature is not at its end, are refused", () => {
  expect(() => signedAdHoc(Buffer.alloc(4096), "sluice")).toThrow("no Mach-O");
  expect(() => signedAdHoc(Buffer.concat([machO(64), Buffer.alloc(1)]), "sluice")).toThrow("at the end of the file");
});
