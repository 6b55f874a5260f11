// `sluice password`: reads a password and prints the hash that stands in a config.
import { passwordProblem } from "../auth/basic/password-rules.ts";
import { EXIT, usageError } from "./exit.ts";
import { isTyped, readSecret } from "./read-secret.ts";
import { defineVerb } from "./verb.ts";

/** argon2id as OWASP's cheat sheet has it: 19 MiB, two passes. bcrypt is what Deno and Cloudflare can check. */
const ARGON2 = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const BCRYPT = { algorithm: "bcrypt", cost: 10 } as const;

/** `sluice password`: reads a password and prints its hash, for schemes made by basic(). */
export const password = defineVerb(
  {
    name: "password",
    summary: "reads a password and prints its hash, for schemes made by basic()",
    notes: [
      "Reads standard input, one line; at a terminal it asks twice and shows nothing. The hash goes to stdout: argon2id, or",
      "bcrypt for gateways on Deno or on Cloudflare. Two hashes of one password differ.",
    ],
    examples: [
      ["sluice password", "type it"],
      ["sluice password < secret.txt", "take it from a file"],
      ["sluice password --bcrypt", "for Deno and Cloudflare"],
    ],
    exits: [],
  },
  { bcrypt: { type: "boolean", description: "bcrypt in place of argon2id" } },
  async ({ bcrypt }, { terminal }) => {
    const secret = (await readSecret("password", terminal)).normalize("NFC");
    const form = bcrypt === true ? "bcrypt" : "argon2id";
    const problem = passwordProblem(secret, form);
    if (problem !== undefined) throw usageError(`${problem}.`);
    if (isTyped() && (await readSecret("password", terminal, true)).normalize("NFC") !== secret) {
      throw usageError("The two are not the same.");
    }
    terminal.out(await Bun.password.hash(secret, form === "bcrypt" ? BCRYPT : ARGON2));
    return EXIT.ok;
  },
);
