// Reads what env("NAME") stands for, when the plan is made (case GW-50).
import { describeReference, isVariableName } from "./describe.ts";
import { Problem, type ConfigReader } from "./fault.ts";
import { type EnvReference, Secret } from "./secrets.ts";

/**
 * The value of a reference, looked for in the order that `env` documents. The problem names the variable and the places,
 * never a value.
 */
export function readReference(reference: EnvReference, reader: ConfigReader): Secret | Problem {
  const name: unknown = reference.name;
  if (!isVariableName(name)) {
    const hint =
      'A name has letters, digits and "_" and does not begin with a digit. env takes the name, not the value.';
    return new Problem("the name of a variable", { found: describeReference(reference), hint });
  }
  const wanted = `a value for ${name}`;
  const missing = (hint: string): Problem => new Problem(wanted, { found: false, hint });

  const direct = reader.env(name);
  const pointer = reader.env(`${name}_FILE`);
  if (direct !== undefined && pointer !== undefined) {
    return missing(`${name} and ${name}_FILE are both set: unset one of them.`);
  }
  if (direct !== undefined) return checked(name, direct, name);
  if (pointer !== undefined) {
    const text = pointer === "" ? undefined : reader.file(pointer);
    if (text === undefined) return missing(`${name}_FILE does not name a file that can be read.`);
    return checked(name, withoutLastNewline(text), `the file that ${name}_FILE names`);
  }
  const folder = reader.env("CREDENTIALS_DIRECTORY");
  const places = [...(folder ? [[`${folder}/${name}`, `$CREDENTIALS_DIRECTORY/${name}`]] : [])];
  places.push([`/run/secrets/${name}`, `/run/secrets/${name}`]);
  for (const [path, shown] of places) {
    const text = reader.file(path!);
    if (text !== undefined) return checked(name, withoutLastNewline(text), shown!);
  }
  // Not called `fallback`, as a property of valibot's schemas is: where thousands of configs were read, code that Bun 1.4.5
  // had compiled took something else for the method (seen in tests/config/any-options.test.ts, about once in 20 runs).
  const fallback: unknown = reference.defaultValue();
  if (typeof fallback === "string") return checked(name, fallback, `the default of ${name}`);
  if (fallback !== undefined) return missing("Its default is not a text.");
  return missing(`None of ${name}, ${name}_FILE, $CREDENTIALS_DIRECTORY/${name} and /run/secrets/${name} is there.`);
}

function withoutLastNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** What a script writes for a value that it did not have. */
function isPlaceholder(name: string, value: string): boolean {
  return ["undefined", "null", `$${name}`, `\${${name}}`].includes(value.trim());
}

function checked(name: string, value: string, place: string): Secret | Problem {
  const wanted = `a value for ${name}`;
  const subject = `${place.slice(0, 1).toUpperCase()}${place.slice(1)}`;
  const shown = place === name ? name : subject;
  if (value.trim() === "") return new Problem(wanted, { found: false, hint: `${shown} is there but empty.` });
  if (isPlaceholder(name, value)) {
    return new Problem(wanted, { found: false, hint: `${shown} holds a placeholder: its value was not filled in.` });
  }
  return new Secret(value, name);
}
