// What OTEL_* variables say (OpenTelemetry's specification of environment variables), where a config asks for it.
import { LONGEST_TIMER_MS } from "../../http/duration.ts";
import { isToken } from "../../http/message.ts";
import { fieldNameProblem } from "../field-changes.ts";
import { quoted } from "../describe.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { Secret } from "../secrets.ts";
import { gathered, type Shape } from "../shape.ts";
import type { TracingPlan } from "./plan.ts";

/** Samplers, and what decides on traces that have a parent. */
const SAMPLERS: Readonly<Record<string, { readonly parent: TracingPlan["parent"]; readonly sample: number | "arg" }>> =
  {
    always_on: { parent: "ignore", sample: 1 },
    always_off: { parent: "ignore", sample: 0 },
    traceidratio: { parent: "ignore", sample: "arg" },
    parentbased_always_on: { parent: "follow", sample: 1 },
    parentbased_always_off: { parent: "follow", sample: 0 },
    parentbased_traceidratio: { parent: "follow", sample: "arg" },
  };

const PROPAGATORS = ["tracecontext", "baggage"];

/** Each may be a series of its own wherever something is counted. */
const MOST_METHODS = 64;

/** The shape of `"env"`. `read` makes the plan of what the variables say; whatever is wrong with them is told. */
export function environmentOf<T>(reader: ConfigReader, read: (variables: Variables) => T): Shape<T> {
  return gathered((_, refuse) => read(new Variables(reader, refuse)));
}

/** The variables. One that is empty is not set. */
export class Variables {
  readonly #reader: ConfigReader;
  readonly #refuse: (problem: Problem) => void;

  constructor(reader: ConfigReader, refuse: (problem: Problem) => void) {
    this.#reader = reader;
    this.#refuse = refuse;
  }

  /** Whether `OTEL_SDK_DISABLED` turns all telemetry off. */
  get isOff(): boolean {
    return this.text("OTEL_SDK_DISABLED").toLowerCase() === "true";
  }

  /** The value of a variable without blanks around it; "" where it is not set. */
  text(name: string): string {
    return this.#reader.env(name)?.trim() ?? "";
  }

  /** What the first of these variables says that says anything, and its name. */
  first(...names: readonly string[]): readonly [name: string, value: string] {
    const name = names.find((each) => this.text(each) !== "") ?? names[0]!;
    return [name, this.text(name)];
  }

  /** A fault of a variable. What it holds is shown unless it may be secret. */
  wrong(name: string, wanted: string, hint: string, secret = false): void {
    const found = secret ? {} : { found: `${name}=${quoted(this.text(name))}` };
    this.#refuse(new Problem(wanted, { found: false, ...found, hint: `${name}: ${hint}` }));
  }

  /** One of a few words; `fallback` where nothing is said. */
  word<const W extends string>(name: string, words: readonly W[], fallback: W): W {
    const said = this.text(name);
    const word = said === "" ? fallback : words.find((each) => each === said);
    if (word === undefined) this.wrong(name, `one of ${words.join(", ")}`, "This gateway knows no other.");
    return word ?? fallback;
  }

  /** A whole number; the first variable that is set says it. */
  whole(fallback: number, least: number, most: number, ...names: readonly string[]): number {
    const [name, said] = this.first(...names);
    if (said === "") return fallback;
    const number = /^\d{1,15}$/.test(said) ? Number(said) : NaN;
    if (number >= least && number <= most) return number;
    this.wrong(name, `a whole number from ${least} to ${most}`, "It is a number without a unit.");
    return fallback;
  }

  /** Milliseconds, as {@link whole} reads a number: the first variable that is set, else `fallback`. */
  ms(fallback: number, ...names: readonly string[]): number {
    return this.whole(fallback, 1, LONGEST_TIMER_MS, ...names);
  }

  /** A list of `key=value`, percent-decoded; the first variable that is set says it. */
  pairs(secret: boolean, ...names: readonly string[]): readonly (readonly [key: string, value: string])[] {
    const [name, said] = this.first(...names);
    return said.split(",").flatMap((each) => {
      if (each.trim() === "") return [];
      const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(each) ?? [];
      const decoded = key && [decodedOf(key), decodedOf(value!)];
      if (decoded && decoded[0] !== undefined && decoded[1] !== undefined) return [[decoded[0], decoded[1]] as const];
      this.wrong(name, "a list such as key=value,key2=value2", "Values are percent-encoded.", secret);
      return [];
    });
  }

  /** The fields that requests have. Their values are secrets. */
  headers(...names: readonly string[]): readonly (readonly [name: string, value: Secret])[] {
    const [variable] = this.first(...names);
    return this.pairs(true, ...names).flatMap(([name, value]) => {
      const problem = fieldNameProblem(name);
      if (problem === undefined && !/[^\t -~\x80-\xff]/.test(value))
        return [[name, new Secret(value, variable)] as const];
      this.wrong(
        variable,
        "fields that a request may have",
        problem?.hint ?? "A value holds a control character.",
        true,
      );
      return [];
    });
  }

  /** The share of traces, and what decides on those with a parent. */
  readonly sampler = (): Pick<TracingPlan, "sample" | "parent"> => {
    const said = this.text("OTEL_TRACES_SAMPLER") || "parentbased_always_on";
    const known = Object.hasOwn(SAMPLERS, said) ? SAMPLERS[said] : undefined;
    if (known === undefined) {
      this.wrong("OTEL_TRACES_SAMPLER", `one of ${Object.keys(SAMPLERS).join(", ")}`, "This gateway knows no other.");
      return { sample: 1, parent: "follow" };
    }
    if (known.sample !== "arg") return { sample: known.sample, parent: known.parent };
    const share = this.text("OTEL_TRACES_SAMPLER_ARG") || "1";
    const sample = Number(share);
    if (sample >= 0 && sample <= 1) return { sample, parent: known.parent };
    this.wrong("OTEL_TRACES_SAMPLER_ARG", "a share from 0 to 1", 'Such as "0.05".');
    return { sample: 1, parent: known.parent };
  };

  /** Methods that are told by name (`OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`); undefined where it says nothing. */
  get knownMethods(): readonly string[] | undefined {
    const name = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
    const said = this.text(name).split(",");
    const methods = [...new Set(said.map((each) => each.trim()))].filter((each) => each !== "");
    if (methods.length > MOST_METHODS || !methods.every(isToken)) {
      this.wrong(name, `a list of ${MOST_METHODS} methods at most`, "Such as GET,POST,PROPFIND, each as it is sent.");
    }
    return methods.length === 0 ? undefined : methods;
  }

  /** The formats of trace context that are passed on (`OTEL_PROPAGATORS`). */
  get propagators(): ReadonlySet<string> {
    const said = this.text("OTEL_PROPAGATORS") || PROPAGATORS.join(",");
    const names = said.split(",").map((each) => each.trim());
    const strange = names.filter((each) => !PROPAGATORS.includes(each));
    if (strange.length > 0 || !names.includes("tracecontext")) {
      this.wrong("OTEL_PROPAGATORS", "tracecontext, and maybe baggage", "The gateway passes on these, in W3C's form.");
    }
    return new Set(names);
  }
}

function decodedOf(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
