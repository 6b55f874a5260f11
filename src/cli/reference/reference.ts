// The reference of the config's options, as the manual page and others tell it: read once from the doc comments of their types.

/** All that a config may hold. */
export interface Reference {
  /** The config itself first, then each object in it, in the order in which one meets them. */
  readonly objects: readonly ReferenceObject[];
  /** The functions that a config may call. */
  readonly functions: readonly ReferenceFunction[];
  /** Types of values that stand in many places: durations, sizes. */
  readonly values: readonly ReferenceValue[];
}

/** One type of options: those that stand together in an object. */
export interface ReferenceObject {
  /** Where it stands: "listen.tls", "routes.NAME"; "" for the config itself. Each name only once. */
  readonly path: string;
  /** What it is; several texts where it may be one of several. Code is between backquotes. */
  readonly texts: readonly string[];
  readonly options: readonly ReferenceOption[];
  /** Paths of objects all of whose options may stand here too. */
  readonly also: readonly string[];
}

/** One option of the config, with its type and default. */
export interface ReferenceOption {
  readonly name: string;
  /** Whether it must be set, whichever of its variants the object is. */
  readonly required: boolean;
  /** As TypeScript has it, without names that mean nothing to a reader. */
  readonly type: string;
  /** What it does, with its unit and default; "" where the object that it is says it. */
  readonly text: string;
  /** The path of the objects that its value may be. */
  readonly see: readonly string[];
}

/** A function that a config calls. */
export interface ReferenceFunction {
  readonly name: string;
  /** Its parameters, as they are called: "options", "name, fallback". */
  readonly parameters: string;
  readonly text: string;
  /** Of its one object of options. */
  readonly options: readonly ReferenceOption[];
}

/** A type whose values stand in many places, such as Duration. */
export interface ReferenceValue {
  readonly name: string;
  readonly text: string;
}
