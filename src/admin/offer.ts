// What can be asked of the admin listener: a question, what it takes, what it answers, and who answers it.
import type { Answer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import type { Live } from "./live/live.ts";
import type { Overseen } from "./overseen.ts";

/** A JSON Schema (2020-12), which is what OpenAPI 3.1 has. */
export type Schema = { readonly [keyword: string]: unknown };

/** A parameter of the query. */
export interface Parameter {
  readonly about: string;
  readonly required?: boolean;
  readonly example: string;
}

/** What is answered with one status. */
export interface Said {
  readonly about: string;
  /** Of the content, where it is JSON. */
  readonly schema?: Schema;
  /** Media types of the content, where it is none. */
  readonly types?: readonly string[];
}

/** Something that can be asked. Whoever documents the admin listener reads it here. */
export interface Offer {
  /** In a few words. */
  readonly about: string;
  /** Whether it needs no token: for those who judge the gateway from outside and can keep no secret. */
  readonly open?: boolean;
  /** What the query may name, each once. Absent: whatever stands there means nothing. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** Content that may come, as JSON. Absent: it means nothing. */
  readonly content?: { readonly about: string; readonly schema: Schema; readonly example: unknown };
  /** By status. Refusals that every question may get are not among them. */
  readonly answers: Readonly<Record<number, Said>>;
  readonly act: Act;
}

/** A question. */
export interface Question {
  readonly x: Exchange;
  /** What the query names. */
  readonly named: Readonly<Record<string, string | undefined>>;
  /** The content that came, read as JSON; undefined for none. */
  readonly content: unknown;
  readonly overseen: Overseen;
  readonly live: Live;
}

/** Answers a question. @throws GatewayError */
export type Act = (question: Question) => Answer | Promise<Answer>;
