// The archive of types inside the executable: file names and texts, compressed.
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** Texts by their path below `.sluice/`. */
export type TypeFiles = Readonly<Record<string, string>>;

/** Packs the types for the editor, for the build: JSON, compressed by Brotli. */
export function packTypes(files: TypeFiles): Uint8Array {
  const text = JSON.stringify(files);
  return brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });
}

/** Unpacks what {@link packTypes} packed. */
export function unpackTypes(archive: Uint8Array): TypeFiles {
  return JSON.parse(brotliDecompressSync(archive).toString("utf8")) as TypeFiles;
}
