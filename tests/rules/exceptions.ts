// What may break a rule, each with its reason. Whatever is not listed here keeps all of them.

/** A file that may do what the rule forbids. */
export interface Exception {
  /** Path from the root. */
  readonly file: string;
  /** What it imports, uses or is, as the rule's message names it. */
  readonly what: string;
  readonly because: string;
}

/** Imports that cross the borders of {@link file://./imports.test.ts}. */
export const IMPORT_EXCEPTIONS: readonly Exception[] = [];

/** Files over the hard limit of lines. */
export const SIZE_EXCEPTIONS: readonly Exception[] = [];
