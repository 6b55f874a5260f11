// `sluice licenses`: prints the licences of all that is inside the executable.
import { EXIT, Refusal } from "./exit.ts";
import { defineVerb } from "./verb.ts";

/** `sluice licenses`: prints the licences of all that is inside the executable. */
export const licenses = defineVerb(
  {
    name: "licenses",
    summary: "prints the licences of all that is inside the executable",
    notes: ["Among them those of the runtime, and how to link it anew with a changed JavaScriptCore (LGPL)."],
    examples: [["sluice licenses | less", "read them"]],
    exits: [],
  },
  {},
  async (_, { terminal, embedded }) => {
    if (embedded.licenses === undefined) {
      throw new Refusal(EXIT.failure, "The notices are gathered by the build.", {
        hint: "Run npm run build, then dist/sluice licenses.",
      });
    }
    terminal.out((await embedded.licenses()).trimEnd());
    return EXIT.ok;
  },
);
