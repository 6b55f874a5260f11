// The format of cases.json: faults of real gateways, described so that a script can decide them. Its `about` explains it.
import { readFileSync } from "node:fs";
import { randomWord } from "./metrics-steps.ts";

/** A value that stands in the file. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One thing that must hold: an observed value, an operation, a wanted value. */
export interface Check {
  readonly on: string;
  readonly op: string;
  readonly value?: Json;
  readonly why?: string;
}

/** What must hold together. */
export interface Expectation {
  readonly all?: readonly Check[];
  readonly any?: readonly Expectation[];
  readonly never?: readonly Check[];
  readonly after?: readonly Check[];
  readonly per_variant?: boolean;
}

/** One step of the client. */
export interface Step {
  readonly op: string;
  readonly conn?: string;
  readonly as?: string;
  readonly steps?: readonly Step[];
  readonly [key: string]: Json | readonly Step[] | undefined;
}

/** A variation of a case. */
export interface Variant {
  readonly name: string;
  readonly vars?: Readonly<Record<string, Json>>;
  readonly optional?: boolean;
  readonly expect?: Expectation;
}

/** An upstream server, in words and bytes. */
export interface Server {
  readonly name: string;
  readonly kind: string;
  readonly behaviour: string;
  readonly [key: string]: unknown;
}

/** One case. */
export interface Case {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly gateway: { readonly needs: string };
  readonly upstream: { readonly servers: readonly Server[] };
  readonly client: { readonly steps: readonly Step[]; readonly variants?: readonly Variant[] };
  readonly expect: Expectation;
}

/** All cases of the file. */
export function readCases(): Case[] {
  const file = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8")) as {
    format: number;
    cases: Case[];
  };
  if (file.format !== 1) throw new Error(`cases.json has format ${file.format}, this interpreter reads 1`);
  return file.cases;
}

/** The text with `{{NAME}}` and `{{NAME|default}}` replaced; a text that is one such word takes the variable's own type. */
export function substitute(value: Json, vars: Readonly<Record<string, Json>>): Json {
  if (typeof value !== "string") return value;
  const look = (name: string, otherwise: string | undefined): Json => {
    const found = vars[name];
    if (found !== undefined) return found;
    if (name === "RAND" || name === "RAND_UPPER") return randomWord(name === "RAND_UPPER");
    if (otherwise === undefined) throw new Error(`the variable ${name} has no value`);
    return /^[[{]/.test(otherwise) ? (JSON.parse(otherwise) as Json) : otherwise;
  };
  const whole = /^\{\{(\w+)(?:\|([^}]*))?\}\}$/.exec(value);
  if (whole !== null) return look(whole[1]!, whole[2]);
  return value.replace(/\{\{(\w+)(?:\|([^}]*))?\}\}/g, (_, name: string, otherwise?: string) =>
    String(look(name, otherwise)),
  );
}
