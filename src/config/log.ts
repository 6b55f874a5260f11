// The schema of the access log.
import { CREDENTIAL_PARAMETERS } from "../record/redact.ts";
import { Problem } from "./fault.ts";
import type { LogPlan } from "./plan.ts";
import { either, list, options, or, then, type Shape } from "./shape.ts";
import { choice, flag, text } from "./values.ts";

const A_PARAMETER = "the name of a query parameter";

const parameter = text(A_PARAMETER, (name) => (name === "" ? new Problem(A_PARAMETER) : name.toLowerCase()));

const logOptions: Shape<LogPlan> = then(
  options({
    format: or(choice("json", "pretty", "auto"), "auto"),
    redactQuery: or(list(parameter, "a list of names of query parameters"), []),
  }),
  ({ format, redactQuery }) => ({ format, redactQuery: [...new Set([...CREDENTIAL_PARAMETERS, ...redactQuery])] }),
);

/** Whether and how exchanges are logged. `true` is an object without options. */
export const logShape: Shape<LogPlan | false> = either(
  (value) => value === false,
  then(flag, (): false => false),
  or(
    either(
      (value) => value === true,
      then(flag, () => DEFAULT),
      logOptions,
    ),
    {},
  ),
);

const DEFAULT: LogPlan = { format: "auto", redactQuery: CREDENTIAL_PARAMETERS };
